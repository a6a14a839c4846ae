import DoorbellCore

extension FeedMachine {
    mutating func open() {
        if mode == .poll { return }
        if isLive { lost("moving", delay: interval) }
        channels = [:]
        conflated = [:]
        sent = (hasListener ? heard : nil) ?? since
        actions.append(.subscribe(Subscribe(poll: target, since: sent, versions: options.versions)))
    }

    mutating func subscribed(_ message: FeedMessage, isAttached: Bool) {
        guard mode != .poll, let channel = message.channel else { return }
        channels.updateValue(nil, forKey: channel)
        conflated[channel] = nil
        let isWhole = message.members["recovered"]?.bool == true && sent != nil && !isAttached
        let snapshot = message.members["snapshot"].flatMap { $0["status"]?.integer == 200 ? $0 : nil }
        if !isWhole, snapshot != nil { hole = 0 }
        proven()
        if isWhole {
            heard = heard ?? sent
            return
        }
        heard = message.position
        guard let snapshot else { return resync() }
        isMade = false
        since = message.position ?? since
        showPushed(snapshot["body"] ?? .null)
    }

    /// The shown state is not known to be whole: fetch it. What arrives meanwhile is applied on top of the answer.
    private mutating func resync() {
        makeHole()
        forgetComparison()
        refetch()
    }

    mutating func received(_ message: FeedMessage) {
        // Whoever has left in the midst of a batch hears no more of it.
        guard mode != .poll, let channel = message.channel else { return }
        let isReset = message.type == "reset"
        countMessage()
        if message.type == "conflated" {
            conflated[channel] = message.members["through"]?.string
            return
        }
        let last = channels[channel] ?? nil
        channels.updateValue(isReset ? nil : message.position ?? last, forKey: channel)
        let end = conflated[channel]
        if end != nil, isReset || end == message.position { conflated[channel] = nil }
        if let position = message.position, !position.isEmpty {
            if !isReset, seen.contains(channel, position) { return }
            seen.insert(channel, position)
            // With several channels only a poll's position covers all of them.
            if channels.count == 1 { heard = position }
        }
        if isReset { return resync() }
        if message.isChange {
            actions.append(.change(message))
        } else if message.type == "message" {
            actions.append(.message(message))
        }
        if !requests.isEmpty {
            held.append(message)
            if held.count > Self.maximumHeld {
                held = []
                resync()
            }
        }
        if end == nil, let last, let previous = message.members["previous"], previous.string != last {
            resync()
        } else {
            apply(message)
        }
    }

    /// Brings the state up to a message; where only a poll can, the state is believed to lack it until then.
    mutating func apply(_ message: FeedMessage) {
        applyToPolled(message)
        if Position.isCovered(message.position, by: since) { return }
        if hole != 0 {
            let isNews = message.isChange || message.type == "answer" || message.type == "signal"
            if isNews, fetchAt != .never { refetch() }
            return
        }
        let outcome = after(state, message)
        if case .unknown = outcome { return resync() }
        if let position = message.position, channels.count == 1 { since = position }
        guard case .changed(let result) = outcome else { return }
        if message.isChange { made() } else { isMade = false }
        showPushed(result)
    }

    /// What a poll has answered goes on as the state does, until the two are compared.
    private mutating func applyToPolled(_ message: FeedMessage) {
        guard let polled, !Position.isCovered(message.position, by: polled.position) else { return }
        let position = channels.count == 1 ? message.position ?? polled.position : polled.position
        switch after(polled.state, message) {
        case .unchanged: self.polled = (polled.state, position)
        case .changed(let state): self.polled = (state, position)
        case .unknown: forgetComparison()
        }
    }

    /// What a message makes of a state.
    private func after(_ state: JSONValue?, _ message: FeedMessage) -> RowList.Outcome {
        if message.type == "answer" {
            let isGood = (message.members["status"]?.integer ?? 200) < 300
            return isGood ? message.members["body"].map { .changed($0) } ?? .unknown : .unchanged
        }
        guard message.isChange else { return message.type == "signal" ? .unknown : .unchanged }
        guard !isDoubted, let state else { return .unknown }
        if let apply = options.apply { return apply(state, message).map { .changed($0) } ?? .unknown }
        return rows?.apply(message, to: state) ?? .unknown
    }
}

extension Position {
    /// Whether what happened at a position is in a state that has everything up to another one. False where that cannot be told.
    static func isCovered(_ position: String?, by state: String?) -> Bool {
        guard let position = position.flatMap({ Position($0) }), let state = state.flatMap({ Position($0) }) else {
            return false
        }
        return position.epoch == state.epoch && position <= state
    }
}
