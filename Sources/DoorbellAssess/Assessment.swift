public import DoorbellCore

/// What the logs say: who polls what, and whether push is worth it.
public struct Assessment: Sendable {
    /// A line that was not counted.
    public struct BadLine: Sendable, Equatable {
        public let file: String
        /// From 1.
        public let line: Int
        public let reason: String
        public let text: String
    }

    /// A log that was read.
    public struct File: Sendable {
        public let name: String
        public let format: String
        /// Why it was not read to its end.
        public let failure: String?
    }

    public let files: [File]
    public let begin: Timestamp
    public let end: Timestamp
    public let lines: Int
    public let badLines: Int
    public let badSamples: [BadLine]
    /// Lines in which there was no request.
    public let noRequests: Int
    public let requests: Int
    public let bytes: UInt64
    /// About.
    public let clients: Int
    public let peakSecond: Int
    /// Requests in each bin, and the seconds of a bin.
    public let series: [Int]
    public let seriesWidth: Int
    /// Whether the lines are in the order of their times, but for a few; otherwise there are no endpoints.
    public let isInOrder: Bool
    /// Those that cost the most first.
    public let endpoints: [EndpointAssessment]
    /// What the reader of the figures has to know.
    public let notes: [String]

    /// Seconds that the logs cover, at least 1.
    public var duration: Double { max(1, end.seconds(since: begin)) }
}

/// An endpoint with its figures, the verdict and what it would cost by each way.
public struct EndpointAssessment: Sendable {
    public let figures: EndpointFigures
    public let verdict: Verdict
    public let forecast: Forecast?
    /// With a log of changes: what really happened, and what push would have done.
    public let replay: ReplayedEndpoint?
    /// With a record of changes: whether the answers change when tables do.
    public let evidence: [QualifiedName: ChangeEvidence]
}
