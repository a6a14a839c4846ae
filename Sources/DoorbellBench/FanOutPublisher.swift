import DoorbellCore
import DoorbellHub
import DoorbellTesting
import Foundation

/// Takes capture's place: publishes on a thread of its own, at a rate.
struct FanOutPublisher {
    /// Everybody's channel, and one channel a number.
    struct Features: Sendable {
        let all: Feature
        let each: Feature

        init() throws {
            all = Feature(
                name: "all", poll: try PollPattern("GET /api/all"), tables: [], channel: try ChannelTemplate("all"),
                authorize: .public, stage: .push)
            each = Feature(
                name: "each", poll: try PollPattern("GET /api/each/{number}"), tables: [],
                channel: try ChannelTemplate("c:{number}"),
                authorize: .public, stage: .push)
        }
    }

    static let epoch: UInt64 = 1

    private let hub: Hub
    private let features: Features
    private let everybody: ChannelName
    private var tick: UInt64 = 1
    private var seq: UInt64 = 0

    init(hub: Hub, features: Features) throws {
        guard let everybody = ChannelName("all") else { throw BenchFailure("a channel's name is not one") }
        self.hub = hub
        self.features = features
        self.everybody = everybody
    }

    /// - Parameters:
    ///   - rate: A second; 0 for as fast as possible, each message published by itself.
    ///   - size: Of the padding, in bytes.
    mutating func publish(_ count: Int, rate: Double, size: Int) {
        let start = Moment.now
        for index in 0..<count {
            if rate > 0 { Moment.wait(until: start + UInt64(Double(index) * 1e9 / rate)) }
            publish([(everybody, features.all)], size: size)
        }
    }

    /// To `channels` channels in turn; what is due is published every millisecond, as a tick of changes is.
    mutating func publishPrivately(_ count: Int, rate: Double, channels: Int) {
        let names = (0..<channels).compactMap { ChannelName("c:\($0)") }
        let start = Moment.now
        var sent = 0
        while sent < count {
            let due = min(count, Int(Moment.seconds(since: start) * rate) + 1)
            if due > sent {
                publish((sent..<due).map { (names[$0 % names.count], features.each) }, size: 0)
                sent = due
            }
            Moment.wait(until: Moment.now + 1_000_000)
        }
    }

    private mutating func publish(_ targets: [(channel: ChannelName, feature: Feature)], size: Int) {
        tick += 1
        let now = FanOutServeMode.now()
        var drafts: [Draft] = []
        drafts.reserveCapacity(targets.count)
        for target in targets {
            seq += 1
            let position = Position(epoch: Self.epoch, tick: tick, seq: seq)
            let data = #"{"sent":\#(Moment.now),"padding":"\#(String(repeating: "x", count: size))"}"#
            let rendition = Publication.Rendition(
                version: .first, key: Array(#"{"id":1}"#.utf8), data: Array(data.utf8), changed: nil)
            drafts.append(
                Draft(
                    feature: target.feature, audience: .channel(target.channel),
                    content: .change(.insert, [rendition]), position: position, committedAt: now))
        }
        hub.publish(drafts, head: Position(epoch: Self.epoch, tick: tick, seq: seq))
    }
}
