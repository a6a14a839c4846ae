extension FeedMachine {
    mutating func abort(_ count: Int) {
        for each in requests.prefix(count) { actions.append(.abort(request: each.id)) }
        requests.removeFirst(count)
    }

    /// Fetches the whole state.
    ///
    /// - Parameters:
    ///   - isCheck: To compare, not to show.
    ///   - isDue: Even though a request is under way: it may be stuck. Of many the oldest is left, for servers that are slow, and
    ///     the newest.
    mutating func ask(isCheck: Bool = false, isDue: Bool = false) {
        fetchAt = .never
        if !requests.isEmpty, !isDue {
            dirtyAt = dirtyAt ?? now
            return
        }
        if requests.count > 2 { actions.append(.abort(request: requests.remove(at: 1).id)) }
        if isLive { pollAt = now + interval }
        dirtyAt = nil
        fetchedAt = now
        let request = nextRequest(isCheck: isCheck)
        requests.append(request)
        actions.append(.fetch(request: request.id, entityTag: entityTag))
    }

    mutating func answered(_ id: Int, _ answer: PollAnswer) {
        guard let index = requests.firstIndex(where: { $0.id == id }) else { return }
        abort(index)  // those that were asked before it know less
        let request = requests.removeFirst()
        if answer.isKnown {
            feature = answer.feature ?? feature
            if answer.status == 304 {
                since = answer.position ?? since
            } else {
                guard let value = answer.value else { return unanswered(request, "no JSON") }
                if request.isCheck, isLive {
                    compareSoon(value, answer.position)
                } else {
                    forgetComparison()
                    isMade = false
                    since = answer.position ?? since
                    entityTag = answer.entityTag
                    if answer.body != text { show(value) }
                    text = answer.body
                }
            }
            if hole == request.hole { hole = 0 }
            if mode == .poll, now >= retryAt, reason != "told to poll" { reason = "polling" }
        }
        steer(answer.transport)
        guard answer.isKnown else {
            return unanswered(request, "HTTP \(answer.status)", isRetired: answer.isDeprecated)
        }
        settle(isKnown: true)
    }

    /// `isRetired`: polls are refused; what they would say, a new subscription does.
    mutating func unanswered(_ request: Request, _ reason: String, isRetired: Bool = false) {
        self.reason = "poll failed: \(reason)"
        settle(isKnown: false)
        guard isLive else { return }
        if request.isCheck {
            if requests.isEmpty { pollAt = .never }
            return
        }
        // Nobody else will try again, and the shown state may be old.
        if hole == 0 { makeHole() }
        // As often as the loop polled.
        if isRetired, now >= retryAt {
            retryAt = now + interval
            (since, heard) = (nil, nil)
            open()
        }
    }

    private mutating func settle(isKnown: Bool) {
        let messages = held
        if requests.isEmpty {
            held = []
            if isLive, isKnown { pollAt = .never }
        }
        if isKnown { for message in messages { apply(message) } }
        if dirtyAt != nil { refetch() }
    }

    /// Fetches soon: at once for a first change, then settled, but never later than ``maximumWait`` after a change.
    mutating func refetch() {
        let dirty = dirtyAt ?? now
        dirtyAt = dirty
        guard requests.isEmpty else { return }
        let isFirst = fetchedAt.map { now - $0 >= Self.maximumWait } ?? true
        if isFirst, fetchAt <= now + Self.spread { return }
        fetchAt =
            now + (isFirst ? random() * Self.spread : max(.zero, min(Self.settling, dirty + Self.maximumWait - now)))
    }

    // MARK: Which transport

    /// Follows what a poll answer says about the transport.
    mutating func steer(_ said: String?) {
        if said == "poll" { retryAt = .zero }  // from now on `push` is news
        let use = options.transport == .auto ? said : options.transport.rawValue
        if use == "poll" { leave("told to poll") }
        if use == "push", mode == .poll, now >= retryAt {
            (mode, reason) = (.join, "connecting")
            actions.append(.want(interval: interval, proof: proof))
        }
    }

    mutating func moved(_ message: FeedMessage) {
        guard options.transport == .auto, message.members["feature"]?.string == feature else { return }
        switch message.members["use"]?.string {
        case "poll": refused("told to poll", Self.askAnew)
        case "push":
            retryAt = .zero
            steer("push")
        default: break
        }
    }

    mutating func leave(_ reason: String) {
        self.reason = reason
        if mode == .poll { return }
        if isLive { poll(after: random() * interval) }
        mode = .poll
        channels = [:]
        actions.append(.leave)
    }

    private mutating func poll(after delay: Duration) {
        pollAt = now + delay
        driftAt = .never
        forgetComparison()
    }

    /// A poll answer that was on its way may still say `push`; it is not to undo this.
    mutating func refused(_ reason: String, _ coolDown: Duration) {
        retryAt = now + coolDown
        leave(reason)
    }

    /// Push is not proven any more. By default the delay until the first poll is spread: everybody else has lost the same server.
    mutating func lost(_ reason: String, delay: Duration) {
        self.reason = reason
        guard isLive else { return }
        mode = .join
        poll(after: delay)
    }

    mutating func proven() {
        guard mode == .join else { return }
        (mode, reason) = (.live, "push")
        if requests.isEmpty { pollAt = .never }
        planDrift()
        if hole != 0, requests.isEmpty, fetchAt == .never { refetch() }
    }
}
