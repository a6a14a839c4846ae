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
        proven()
        let isWhole = message.members["recovered"]?.bool == true && sent != nil && !isAttached
        conflated[channel] = nil
        if isWhole {
            heard = heard ?? sent
            return
        }
        heard = message.position
        guard let snapshot = message.members["snapshot"], snapshot["status"]?.integer == 200 else { return resync() }
        hole = 0
        since = message.position ?? since
        showPushed(snapshot["body"] ?? .null)
    }

    /// The shown state is not known to be whole: fetch it. What arrives meanwhile is applied on top of the answer.
    private mutating func resync() {
        makeHole()
        refetch()
    }

    mutating func received(_ message: FeedMessage) {
        // Whoever has left in the midst of a batch hears no more of it.
        guard mode != .poll, let channel = message.channel else { return }
        let isReset = message.type == "reset"
        countMessage()
        (graceAt, polled) = (.never, nil)
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
        if Position.isCovered(message.position, by: since) { return }
        let isAnswer = message.type == "answer"
        let isNews = message.isChange || isAnswer || message.type == "signal"
        if hole != 0 {
            if isNews, fetchAt != .never { refetch() }
            return
        }
        let outcome: RowList.Outcome
        if isAnswer {
            let isGood = (message.members["status"]?.integer ?? 200) < 300
            outcome = isGood ? message.members["body"].map { .changed($0) } ?? .unknown : .unchanged
        } else {
            outcome = isNews ? changed(message) : .unchanged
        }
        if case .unknown = outcome { return resync() }
        if let position = message.position, channels.count == 1 { since = position }
        if case .changed(let result) = outcome { showPushed(result) }
    }

    private func changed(_ message: FeedMessage) -> RowList.Outcome {
        guard message.isChange, let state else { return .unknown }
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
