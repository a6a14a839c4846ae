#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Parses lines of one format. Each thread has its own, because it remembers the last second and the agents that it has seen.
///
/// Any bytes are safe: what is no line of the format is a ``BadLine``.
struct LineParser {
    private let format: LogFormat.Kind
    private var json: JSONLineParser?
    private var targets = TargetReader()
    /// The text of a time that was parsed, and what it was: most lines have the second of the line before.
    private var lastTime: (text: (UInt64, UInt64, UInt64, UInt64), length: Int, value: Int64) = ((0, 0, 0, 0), -1, 0)
    private var agents = [(hash: UInt64, kind: AgentKind)](repeating: (0, .none), count: 1024)

    init(_ format: LogFormat) {
        self.format = format.kind
        if case .json(let client) = format.kind { json = JSONLineParser(client: client) }
    }

    /// A line that is one, and one that has no request in it (`"-"`, or bytes of another protocol).
    enum Parsed {
        case entry(LogEntry)
        case noRequest
    }

    /// - Parameters:
    ///   - line: Without its line feed.
    ///   - offset: Where the line begins in its block; an entry's target is told by it.
    ///   - decoded: Where targets go that had to be unescaped.
    mutating func parse(
        _ line: UnsafeRawBufferPointer, at offset: Int, decoded: inout [UInt8]
    ) -> Result<Parsed, BadLine> {
        var line = line
        if line.last == 0x0D { line = UnsafeRawBufferPointer(rebasing: line[..<(line.count - 1)]) }
        var fields = LineFields()
        if case .template(let template) = format {
            if let problem = split(line, template, into: &fields) { return .failure(problem) }
        } else if let problem = json?.read(line, into: &fields, decoded: &decoded) {
            return .failure(problem)
        }
        guard let time = fields.time, let status = fields.status else { return .failure(.missing) }
        guard !fields.address.isEmpty || !fields.client.isEmpty else { return .failure(.noAddress) }
        return .success(finish(fields, time: time, status: status, line: line, offset: offset, decoded: decoded))
    }

    @inline(__always)
    private mutating func split(
        _ line: UnsafeRawBufferPointer, _ template: LineTemplate, into fields: inout LineFields
    ) -> BadLine? {
        guard line.count > template.prefix.count, line.starts(with: template.prefix), let base = line.baseAddress else {
            return .mismatch
        }
        var position = template.prefix.count
        for step in template.steps {
            guard let end = Self.end(of: step, in: line, from: position) else { return .mismatch }
            let value = UnsafeRawBufferPointer(start: base + position, count: end - position)
            if step.field == .time {
                guard let time = parseTime(value) else { return .badTime }
                fields.time = time
            } else {
                if !step.mayHaveSpaces, memchr(base + position, 0x20, end - position) != nil { return .mismatch }
                if let problem = fields.set(step.field, value) { return problem }
            }
            position = min(end + step.end.count, line.count)
        }
        return nil
    }

    /// Where the field ends: before its closing text, which a backslash does not guard.
    @inline(__always)
    private static func end(of step: LineTemplate.Step, in line: UnsafeRawBufferPointer, from position: Int) -> Int? {
        guard let first = step.end.first, let base = line.baseAddress else { return line.count }
        var from = position
        while from < line.count, let found = memchr(base + from, Int32(first), line.count - from) {
            let at = base.distance(to: UnsafeRawPointer(found))
            var backslashes = 0
            if step.isQuoted {
                while at - backslashes > position, line[at - backslashes - 1] == 0x5C { backslashes += 1 }
            }
            if backslashes % 2 == 0 {
                let count = step.end.count
                if count == 1 { return at }
                if at + count <= line.count {
                    var same = true
                    for index in 1..<count where line[at + index] != step.end[index] {
                        same = false
                        break
                    }
                    if same { return at }
                }
            }
            from = at + 1
        }
        return nil
    }

    @inline(__always)
    private mutating func parseTime(_ value: UnsafeRawBufferPointer) -> Int64? {
        // Four words are all of a common time, with and without its zone.
        guard value.count >= 24, value.count <= 32, value[2] == 0x2F else { return LogTime.any(value) }
        func word(_ offset: Int) -> UInt64 { value.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
        let text = (word(0), word(8), word(16), word(value.count - 8))
        if lastTime.length == value.count, lastTime.text == text { return lastTime.value }
        guard let time = LogTime.common(value) else { return nil }
        lastTime = (text, value.count, time)
        return time
    }

    @inline(__always)
    private mutating func finish(
        _ fields: LineFields, time: Int64, status: UInt16, line: UnsafeRawBufferPointer, offset: Int, decoded: [UInt8]
    ) -> Parsed {
        var entry = LogEntry()
        entry.time = time
        entry.status = status
        entry.bytes = fields.bytes
        entry.duration = fields.duration
        entry.method = LogMethod(fields.method)
        let agent = FastHash.of(fields.agent)
        entry.agent = kind(of: fields.agent, hash: agent)
        let address = FastHash.of(fields.address)
        entry.address = UInt32(truncatingIfNeeded: address)
        entry.client = FastHash.mix(address, agent)
        if !fields.client.isEmpty, fields.client.first != 0x2D {
            entry.client = FastHash.of(fields.client, seed: 1)
        } else if !fields.user.isEmpty, !(fields.user.count == 1 && fields.user[0] == 0x2D) {
            entry.client = FastHash.of(fields.user, seed: entry.client)
        }
        if let range = fields.decodedTarget {
            let found = decoded.withUnsafeBytes { bytes in
                targets.read(UnsafeRawBufferPointer(rebasing: bytes[range]), query: fields.query, into: &entry)
            }
            guard let found else { return .noRequest }
            entry.targetOffset = UInt32(truncatingIfNeeded: range.lowerBound + found)
            entry.isDecoded = true
        } else {
            guard let skipped = targets.read(fields.target, query: fields.query, into: &entry) else {
                return .noRequest
            }
            let start = line.baseAddress.map { $0.distance(to: fields.target.baseAddress ?? $0) } ?? 0
            entry.targetOffset = UInt32(truncatingIfNeeded: offset + start + skipped)
        }
        return .entry(entry)
    }

    @inline(__always)
    private mutating func kind(of agent: UnsafeRawBufferPointer, hash: UInt64) -> AgentKind {
        let slot = Int(truncatingIfNeeded: hash & 1023)
        if agents[slot].hash == hash { return agents[slot].kind }
        let kind = AgentKind(agent)
        agents[slot] = (hash, kind)
        return kind
    }
}
