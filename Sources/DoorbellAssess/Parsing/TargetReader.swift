/// Reads a request target once: what is asked for (``LogEntry/url``), and the route that it looks like (``LogEntry/shape``).
struct TargetReader {
    /// Query keys whose values change from poll to poll and do not say what is asked for.
    private static let volatileKeys = NameTable<Bool>(
        [
            "_", "t", "ts", "time", "timestamp", "since", "since_id", "sinceId", "after", "after_id", "cursor",
            "last_id",
            "lastId", "last", "last_event_id", "lastEventId", "min_id", "from_id", "nocache", "no_cache", "cb",
            "cachebuster",
            "cache_bust", "rand", "random", "rnd", "r", "nonce", "etag", "updated_since", "updatedSince",
            "modified_since",
            "sid", "seq", "version", "rev", "now", "noCache", "_t", "_ts", "_dc",
        ].map { ($0, true) })
    /// Query keys whose values say which call it is: `?action=getMessages`.
    private static let actionKeys = NameTable<Bool>(
        ["action", "method", "op", "cmd", "do", "route", "task", "call", "function"].map { ($0, true) })
    static let parameterMark: UInt64 = 0x7B7D
    private static let fileMark: UInt64 = 0x2A2E

    /// Fills in what the target says.
    ///
    /// - Parameter query: Where the log has the query apart from the path.
    /// - Returns: How many bytes stand before the path (a scheme and a host); `nil` when it is no target.
    @inline(__always)
    func read(_ target: UnsafeRawBufferPointer, query: UnsafeRawBufferPointer, into entry: inout LogEntry) -> Int? {
        guard let first = target.first else { return nil }
        var start = 0
        if first != 0x2F {
            guard let path = Self.afterHost(target) else { return nil }
            start = path
        }
        var shape = FastHash.mix(UInt64(entry.method.rawValue) &+ 1, 0x5EED)
        var segmentStart = start + 1
        let path: Int
        var end = start + 1
        while true {
            let byte: UInt8 = end < target.count ? target[end] : 0x3F
            if byte == 0x2F || byte == 0x3F || byte == 0x3B || byte == 0x23 {
                if end > segmentStart {
                    let segment = UnsafeRawBufferPointer(rebasing: target[segmentStart..<end])
                    shape = FastHash.mix(shape, Self.mark(of: segment, isEnd: byte != 0x2F, kind: &entry.kind))
                }
                guard byte == 0x2F else {
                    path = end
                    break
                }
                segmentStart = end + 1
            }
            end += 1
        }
        let whole = UnsafeRawBufferPointer(rebasing: target[start..<path])
        var url = FastHash.of(whole, seed: UInt64(entry.method.rawValue))
        if path < target.count, let mark = target[path...].firstIndex(of: 0x3F) {
            read(UnsafeRawBufferPointer(rebasing: target[(mark + 1)...]), &entry, &url, &shape)
        } else if !query.isEmpty, query.first != 0x2D {
            let rest = query.first == 0x3F ? UnsafeRawBufferPointer(rebasing: query[1...]) : query
            read(rest, &entry, &url, &shape)
        }
        entry.url = url
        entry.shape = shape
        entry.targetLength = UInt16(clamping: target.count - start)
        return start
    }

    private func read(
        _ query: UnsafeRawBufferPointer, _ entry: inout LogEntry, _ url: inout UInt64, _ shape: inout UInt64
    ) {
        var start = 0
        var names: UInt64 = 0
        while start < query.count {
            var end = start
            var equals = -1
            while end < query.count, query[end] != 0x26, query[end] != 0x23 {
                if query[end] == 0x3D, equals < 0 { equals = end }
                end += 1
            }
            if end > start {
                let name = FastHash.of(UnsafeRawBufferPointer(rebasing: query[start..<(equals < 0 ? end : equals)]))
                names &+= name | 1
                if equals >= 0 {
                    let value = UnsafeRawBufferPointer(rebasing: query[(equals + 1)..<end])
                    if Self.actionKeys.value(of: name) != nil, Self.isWord(value) {
                        shape = FastHash.mix(shape, FastHash.of(value, seed: name))
                    }
                    if Self.volatileKeys.value(of: name) == nil, !Self.changesByItself(value) {
                        // A sum: the order of the keys does not matter.
                        url &+= FastHash.of(value, seed: name)
                    }
                }
            }
            if end < query.count, query[end] == 0x23 { break }
            start = end + 1
        }
        entry.queryNames = names
    }

    /// The value of an action key is part of the route only when it is a word: others would make one of each value.
    static func isWord(_ value: UnsafeRawBufferPointer) -> Bool {
        value.count >= 1 && value.count <= 40
            && value.allSatisfy { (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F || $0 == 0x2E || $0 == 0x2D }
    }

    static func isActionKey(_ name: UnsafeRawBufferPointer) -> Bool { actionKeys.value(of: FastHash.of(name)) != nil }

    static func isVolatile(_ name: UnsafeRawBufferPointer) -> Bool { volatileKeys.value(of: FastHash.of(name)) != nil }

    /// A time (seconds or milliseconds since 1970, RFC 3339) or a random fraction.
    static func changesByItself(_ value: UnsafeRawBufferPointer) -> Bool {
        guard value.count >= 10 else { return false }
        if value[0] == 0x30, value[1] == 0x2E { return true }
        if value[4] == 0x2D, value[7] == 0x2D, value[10 < value.count ? 10 : 9] | 0x20 == 0x74 { return true }
        guard value[0] == 0x31 || value[0] == 0x32, value.count <= 17 else { return false }
        return value.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
    }

    @inline(__always)
    private static func mark(of segment: UnsafeRawBufferPointer, isEnd: Bool, kind: inout TargetKind) -> UInt64 {
        if isEnd, let ending = FileEnding(segment) {
            kind = ending.kind
            return fileMark &+ ending.word
        }
        return SegmentClass(segment).isParameter ? parameterMark : FastHash.of(segment)
    }

    /// `http://host:80/path`: where the path begins.
    private static func afterHost(_ target: UnsafeRawBufferPointer) -> Int? {
        guard let colon = target.firstIndex(of: 0x3A), colon + 2 < target.count, target[colon + 1] == 0x2F,
            target[colon + 2] == 0x2F, colon < 8
        else { return nil }
        return target[(colon + 3)...].firstIndex(of: 0x2F)
    }
}

/// The ending of a file that a web server sends as it is.
struct FileEnding {
    let word: UInt64
    let kind: TargetKind

    private static let kinds: NameTable<TargetKind> = {
        let files = [
            "js", "mjs", "css", "map", "png", "jpg", "jpeg", "gif", "svg", "ico", "webp", "avif", "woff", "woff2",
            "ttf",
            "otf", "eot", "mp4", "webm", "mp3", "ogg", "wav", "pdf", "zip", "gz", "wasm", "br", "ts", "m4s",
            "webmanifest", "bmp", "mov",
        ]
        return NameTable(files.map { ($0, .file) } + ["m3u8", "mpd"].map { ($0, .playlist) })
    }()

    /// `nil` when the segment does not end like a file.
    @inline(__always)
    init?(_ segment: UnsafeRawBufferPointer) {
        guard segment.count >= 4 else { return nil }
        let from = max(1, segment.count - 12)
        guard let dot = segment[from...].lastIndex(of: 0x2E), dot + 1 < segment.count else { return nil }
        let ending = UnsafeRawBufferPointer(rebasing: segment[(dot + 1)...])
        let hash = FastHash.of(ending)
        guard let kind = Self.kinds.value(of: hash) else { return nil }
        self.word = hash
        self.kind = kind
    }
}
