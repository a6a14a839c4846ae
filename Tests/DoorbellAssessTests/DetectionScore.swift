import DoorbellTesting

@testable import DoorbellAssess

/// How well pollers are found in a log of which the truth is known: by pairs of a client and a URL.
struct DetectionScore {
    private(set) var found = 0
    private(set) var missed = 0
    private(set) var wrong = 0
    /// Of the pairs behind shared addresses that were found: those whose number of clients is right.
    private(set) var sharedFound = 0
    private(set) var sharedRight = 0
    /// Errors of the periods that were found, as shares.
    private(set) var periodErrors: [Double] = []
    /// What was missed or wrong, for people.
    private(set) var remarks: [String] = []

    var precision: Double { Double(found) / Double(max(1, found + wrong)) }
    var recall: Double { Double(found) / Double(max(1, found + missed)) }

    private struct Truth {
        var actor: Int
        var requests = 0
    }

    init(_ generator: AccessLogGenerator, milliseconds: Bool = false, fewest: Int = 10) throws {
        let format = try LogFormat(
            milliseconds
                ? #"$remote_addr - - [$time_iso8601] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#
                : "combined")
        var parser = LineParser(format)
        let table = TrackTable(capacity: 1 << 16)
        if milliseconds { table.resolution = 1 }
        var truths: [UInt64: Truth] = [:]
        var tracks: [Track] = []
        var decoded: [UInt8] = []
        generator.run(milliseconds: milliseconds) { line, actor in
            line.withUnsafeBytes { bytes in
                let line = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 1)])
                guard case .success(.entry(let entry)) = parser.parse(line, at: 0, decoded: &decoded) else { return }
                guard entry.kind != .file, entry.status != 404 else { return }
                let time = UInt32((entry.time - Int64(generator.begin) * 1000) / 10)
                truths[FastHash.mix(entry.client, entry.url) | 1, default: Truth(actor: actor)].requests += 1
                table.observe(entry, time: time, endpoint: 2) { tracks.append($0) }
            }
        }
        table.finish { tracks.append($0) }
        var seen: Set<UInt64> = []
        for track in tracks {
            guard let truth = truths[track.key] else { continue }
            seen.insert(track.key)
            judge(track, generator.actors[truth.actor], requests: truth.requests, fewest)
        }
        for (key, truth) in truths where !seen.contains(key) && truth.requests >= fewest {
            if generator.actors[truth.actor].isPoller { missed += 1 }
        }
    }

    private mutating func judge(_ track: Track, _ actor: LogActor, requests: Int, _ fewest: Int) {
        let judgement = track.judgement
        guard case .poll(let period, _, _, _) = actor.habit else {
            if judgement != .no {
                wrong += 1
                remarks.append(
                    "wrong: \(actor.habit) \(judgement) \(requests) requests, \(track.regular) of \(track.considered)")
            }
            return
        }
        guard judgement != .no else {
            if requests >= fewest {
                missed += 1
                remarks.append(
                    "missed: \(actor.habit) \(actor.sharers) sharers, \(requests) requests, \(track.regular) of \(track.considered), "
                        + "\(track.regularSegments)/\(track.sharedSegments)/\(track.irregularSegments) segments")
            }
            return
        }
        found += 1
        if actor.sharers > 1 {
            sharedFound += 1
            if case .shared(let clients, _) = judgement, clients == actor.sharers {
                sharedRight += 1
            } else {
                remarks.append("shared: \(actor.habit) \(actor.sharers) as \(judgement)")
            }
        } else if case .polls(let measured) = judgement {
            periodErrors.append(abs(measured - period) / period)
            if abs(measured - period) > period * 0.2 { remarks.append("period: \(actor.habit) as \(measured)") }
        } else {
            remarks.append("alone: \(actor.habit) as \(judgement)")
            periodErrors.append(1)
        }
    }
}
