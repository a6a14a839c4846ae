import DoorbellCore

/// Channel queries, and word of each that has ended: a batch with many of them takes long although the database speaks all the time.
struct HeardQueries: ChannelQueryRunner {
    private let runner: any ChannelQueryRunner
    private let onEnd: () -> Void

    init(_ runner: any ChannelQueryRunner, onEnd: @escaping () -> Void) {
        self.runner = runner
        self.onEnd = onEnd
    }

    func channels(for query: ChannelQuery, values: [String?]) throws -> [String] {
        defer { onEnd() }
        return try runner.channels(for: query, values: values)
    }
}
