public import DoorbellCore

extension Parity {
    /// One poll that the legacy API answered.
    public struct Answer: Sendable {
        /// Who asked for what; a hash.
        public var caller: UInt64
        /// Path and query, for people: without secrets.
        public var target: String
        /// What push would have told it on. Not empty.
        public var channels: [ChannelName]
        /// Where the log stood before the legacy API was asked.
        public var asked: Position
        /// When the answer was there.
        public var at: Timestamp
        /// Which run of capture it was live in without a break.
        public var run: UInt64
        public var body: Body
        /// Of the body; of a 304, the one that the caller has.
        public var version: BodyVersion

        public init(
            caller: UInt64, target: String, channels: [ChannelName], asked: Position, at: Timestamp, run: UInt64,
            body: Body, version: BodyVersion = .unknown
        ) {
            self.caller = caller
            self.target = target
            self.channels = channels
            self.asked = asked
            self.at = at
            self.run = run
            self.body = body
            self.version = version
        }
    }

    public enum Body: Sendable, Hashable {
        case whole([UInt8])
        /// Too long to keep, or encoded in a way that we cannot read: only its hash.
        case digest(UInt64)
        /// 304: what the caller has.
        case notModified
    }

    public enum Verdict: String, Sendable, Codable, CaseIterable {
        /// The answer changed and there was a message, or neither.
        case match
        /// The answer changed and there was no message, or the messages do not lead to it.
        case missed
        /// There was a message and the answer did not change.
        case spurious
        /// Nobody can say. Does not count against the feature.
        case inconclusive
    }

    /// Why nobody can say.
    public enum Doubt: String, Sendable, Codable, CaseIterable {
        case captureDown = "capture was not live in between"
        case history = "history does not reach back to the answer before"
        case reset = "the channel was reset in between"
        case overtaken = "a later answer came first"
        case learning = "a place may be noise: too few quiet polls to know"
        case tooLong = "an answer is longer than 256 KiB, or encoded in a way that cannot be read"
        case unknownBody = "the answer before is not known, or a 304 is for another one"
        case busy = "too many answers at once"
    }

    /// Verdicts so far, one for each pair of answers.
    public struct Counts: Sendable, Codable, Hashable {
        /// Changes that push told, too.
        public var told: UInt64 = 0
        /// The changes behind them: one that many callers were shown is one.
        public var distinct: UInt64 = 0
        /// Nothing changed, nothing was told.
        public var quiet: UInt64 = 0
        public var missed: UInt64 = 0
        public var spurious: UInt64 = 0
        public var inconclusive: UInt64 = 0

        public init() {}

        public var match: UInt64 { told + quiet }
        public var compared: UInt64 { match + missed + spurious + inconclusive }
        /// Answers that changed and could be judged.
        public var changes: UInt64 { told + missed }
        /// Of the changes that polls showed, those that push told. `nil` without changes. Quiet polls are left out: however many
        /// there are, they say nothing about whether a change is told.
        public var toldShare: Double? { changes == 0 ? nil : Double(told) / Double(changes) }

        public subscript(_ verdict: Verdict) -> UInt64 {
            switch verdict {
            case .match: match
            case .missed: missed
            case .spurious: spurious
            case .inconclusive: inconclusive
            }
        }

        /// What came since `earlier`.
        public func since(_ earlier: Counts) -> Counts {
            func grown(_ count: KeyPath<Counts, UInt64>) -> UInt64 {
                self[keyPath: count] >= earlier[keyPath: count] ? self[keyPath: count] - earlier[keyPath: count] : 0
            }
            var counts = Counts()
            counts.told = grown(\.told)
            counts.distinct = grown(\.distinct)
            counts.quiet = grown(\.quiet)
            counts.missed = grown(\.missed)
            counts.spurious = grown(\.spurious)
            counts.inconclusive = grown(\.inconclusive)
            return counts
        }
    }

    /// What is kept of a pair that does not match.
    public struct Sample: Sendable, Codable, Hashable {
        public var verdict: Verdict
        /// Why, in a sentence.
        public var reason: String
        /// Unix time in milliseconds.
        public var at: Int64
        /// Path and query, without secrets.
        public var target: String
        public var channels: [String]
        /// Where the log stood before the first answer was asked for.
        public var after: String
        /// Where it stood before the second was asked for.
        public var asked: String
        /// Messages in between, the newest ones.
        public var messages: [String]
        public var differences: [ParityDifference]
        /// Up to ``Parity/sampleBody`` bytes of each answer.
        public var before: String
        public var body: String
    }

    /// What was published on a poll's channels after one position up to and including another (`nil`: up to now), oldest first.
    /// `nil`: history does not reach back so far.
    public typealias Traffic = (_ channels: [ChannelName], _ after: Position, _ through: Position?) -> [Publication]?
}
