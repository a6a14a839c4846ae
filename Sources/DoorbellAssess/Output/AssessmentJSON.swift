internal import DoorbellCore

extension Assessment {
    /// As JSON, with everything that is known. Times in seconds, shares 0 to 1.
    public func json(assumptions: Assumptions = Assumptions()) -> String {
        let hasTimes = endpoints.contains { $0.figures.answerTime != nil }
        let value: JSONValue = .object([
            (
                "files",
                .array(
                    files.map {
                        .object([
                            ("name", .text($0.name)), ("format", .text($0.format)), ("failure", .text($0.failure)),
                        ])
                    })
            ),
            ("begin", .text(begin.rfc3339)), ("end", .text(end.rfc3339)), ("duration", .number(duration)),
            ("lines", .count(lines)), ("badLines", .count(badLines)), ("noRequests", .count(noRequests)),
            (
                "badSamples",
                .array(
                    badSamples.map {
                        .object([
                            ("file", .text($0.file)), ("line", .count($0.line)), ("reason", .text($0.reason)),
                            ("text", .text($0.text)),
                        ])
                    })
            ),
            ("requests", .count(requests)), ("bytes", .count(Int(clamping: bytes))), ("clients", .count(clients)),
            ("peakSecond", .count(peakSecond)),
            ("series", .object([("seconds", .count(seriesWidth)), ("requests", .array(series.map { .count($0) }))])),
            ("endpoints", .array(endpoints.map(\.json))), ("notes", .array(notes.map { .text($0) })),
            ("assumptions", .array(assumptions.texts(hasTimes: hasTimes).map { .text($0) })),
        ])
        var bytes: [UInt8] = []
        value.write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension EndpointAssessment {
    fileprivate var json: JSONValue {
        .object([
            ("method", .text(figures.method)), ("route", .text(figures.route)),
            ("query", .object(figures.query.map { ($0.name, .text($0.value)) })),
            ("requests", .count(figures.requests)),
            ("peakSecond", .count(figures.peakSecond)), ("bytes", .count(Int(clamping: figures.bytes))),
            ("notModified", .count(figures.notModified)), ("clientErrors", .count(figures.clientErrors)),
            ("serverErrors", .count(figures.serverErrors)), ("answerTime", .number(figures.answerTime)),
            ("clients", .count(figures.clients)), ("urls", .count(figures.urls)),
            ("agents", .object(figures.agents.map { ($0.kind, .number($0.share)) })), ("polling", polling),
            (
                "verdict",
                .object([
                    ("advice", .text(verdict.advice.rawValue)), ("rule", .text(verdict.rule)),
                    ("reasons", .array(verdict.reasons.map { .text($0) })),
                ])
            ),
            ("forecast", forecast.map { .array($0.costs.map { Self.json($0.way, $0.cost) }) } ?? .null),
            ("replay", replayed),
        ])
    }

    private var replayed: JSONValue {
        guard let replay else { return .null }
        return .object([
            ("polls", .count(replay.polls)), ("needed", .count(replay.needed)),
            ("pollBytes", .count(Int(clamping: replay.pollBytes))),
            ("messages", .count(replay.messages)), ("messageBytes", .count(Int(clamping: replay.messageBytes))),
            ("staleness", .number(replay.staleness)), ("stalenessP95", .number(replay.staleness95)),
            ("stalenessP99", .number(replay.staleness99)),
        ])
    }

    private var polling: JSONValue {
        guard figures.polls > 0 else { return .null }
        return .object([
            ("pollers", .count(figures.pollers)), ("clients", .count(figures.pollingClients)),
            ("urls", .count(figures.polledURLs)),
            ("sharedAddresses", .count(figures.sharedPairs)), ("crowds", .count(figures.crowds)),
            ("polls", .count(figures.polls)),
            ("period", .number(figures.period)), ("periodP5", .number(figures.shortestPeriod)),
            ("periodP95", .number(figures.longestPeriod)), ("jitter", .number(figures.jitter)),
            ("regularity", .number(figures.regularity)), ("background", .number(figures.background)),
            ("unchanged", .number(figures.unchanged)), ("changesPerHour", .number(figures.changesPerHour)),
            ("fanIn", .number(figures.fanIn)), ("staleness", .number(figures.staleness)),
            ("stalenessP95", .number(figures.staleness95)), ("connections", .number(figures.connections)),
        ])
    }

    private static func json(_ way: Forecast.Way, _ cost: Forecast.Cost) -> JSONValue {
        .object([
            ("way", .text(way.rawValue)), ("connections", .number(cost.connections)),
            ("requestsPerSecond", .number(cost.requests)),
            ("originRequestsPerSecond", .number(cost.originRequests)), ("messagesPerSecond", .number(cost.messages)),
            ("bytesPerSecond", .number(cost.bytes)), ("processors", .number(cost.processors)),
            ("staleness", .number(cost.staleness)),
        ])
    }
}

/// Just enough of JSON to write a report.
enum JSONValue {
    case null
    case string(String)
    case count(Int)
    case double(Double)
    case array([JSONValue])
    case object([(String, JSONValue)])

    static func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    /// JSON has no infinity.
    static func number(_ number: Double?) -> JSONValue { number.flatMap { $0.isFinite ? .double($0) : nil } ?? .null }

    func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .string(let text): JSONWriter.string(text, to: &bytes)
        case .count(let number): JSONWriter.integer(number, to: &bytes)
        case .double(let number):
            let rounded = (number * 1e6).rounded() / 1e6
            bytes.append(contentsOf: (abs(number) < 1e9 ? "\(rounded)" : "\(number)").utf8)
        case .array(let values):
            bytes.append(0x5B)
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(0x2C) }
                value.write(to: &bytes)
            }
            bytes.append(0x5D)
        case .object(let members):
            bytes.append(0x7B)
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(0x2C) }
                JSONWriter.string(member.0, to: &bytes)
                bytes.append(0x3A)
                member.1.write(to: &bytes)
            }
            bytes.append(0x7D)
        }
    }
}
