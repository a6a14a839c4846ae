import DoorbellCore

extension OutboxRow {
    /// The row as `doorbell.publish` writes it. `nil`: it is not.
    func message(position: Position, committedAt: Timestamp) -> LoggedMessage? {
        guard let old, let new, let about = try? RowImage(json: old), let channel = about.text(of: "channel") ?? nil
        else { return nil }
        let id = about["id"].map { Array($0) }
        return LoggedMessage(
            position: position, channel: channel,
            message: DirectMessage(
                data: new, from: about.text(of: "from") ?? nil, session: about.text(of: "session") ?? nil,
                id: id.flatMap { $0.elementsEqual("null".utf8) ? nil : String(decoding: $0, as: UTF8.self) }),
            committedAt: committedAt)
    }
}
