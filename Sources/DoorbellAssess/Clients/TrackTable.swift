/// The tracks of as many clients and URLs as fit into a bounded table. What was asked for once is kept as 8 bytes; it gets a track when it is
/// asked for again. When there is no room, what was idle the longest for its worth leaves, and is judged by what was seen of it.
///
/// A class, because it owns memory. Confined to the thread that counts.
final class TrackTable {
    /// Times of a track that are judged together.
    static let segment = 32
    private static let ways = 8

    private let sets: Int
    private let tracks: UnsafeMutableBufferPointer<Track>
    private let times: UnsafeMutableBufferPointer<UInt32>
    private let onceSets: Int
    /// What was asked for once: a part of its key's hash, and when.
    private struct Once {
        var mark: UInt32 = 0
        var time: UInt32 = 0
    }

    private let once: UnsafeMutableBufferPointer<Once>
    /// Ticks that the log's times are cut to.
    var resolution: UInt32 = 100
    /// Tracks that left before the end, and requests for which there was no room.
    private(set) var evicted = 0
    private(set) var refused = 0

    /// - Parameter capacity: Tracks, some 300 bytes each; rounded up to a power of two. As many as four times of these are remembered that were
    ///   seen once.
    init(capacity: Int) {
        var sets = 1
        while sets * Self.ways < capacity { sets *= 2 }
        self.sets = sets
        onceSets = sets * 8
        tracks = .allocate(capacity: sets * Self.ways)
        tracks.initialize(repeating: Track())
        times = .allocate(capacity: sets * Self.ways * Self.segment)
        times.initialize(repeating: 0)
        once = .allocate(capacity: onceSets * 4)
        once.initialize(repeating: Once())
    }

    deinit {
        tracks.deallocate()
        times.deallocate()
        once.deallocate()
    }

    /// Counts a request.
    ///
    /// - Parameters:
    ///   - time: Ticks since the log began.
    ///   - leave: Called with a track that makes room.
    func observe(_ entry: LogEntry, time: UInt32, endpoint: Int32, leave: (Track) -> Void) {
        let key = FastHash.mix(entry.client, entry.url) | 1
        let base = Int(truncatingIfNeeded: key >> 20) & (sets - 1)
        var index = base * Self.ways
        let end = index + Self.ways
        var free = -1
        while index < end {
            if tracks[index].key == key {
                add(entry, time, to: index)
                return
            }
            if tracks[index].key == 0, free < 0 { free = index }
            index += 1
        }
        guard let first = firstTime(key, time) else { return }
        if free < 0 { free = makeRoom(base * Self.ways, time, leave) }
        guard free >= 0 else {
            refused += 1
            return
        }
        begin(entry, key, first, endpoint, at: free)
        add(entry, time, to: free)
    }

    /// Hands over what is left, and is empty then.
    func finish(_ body: (Track) -> Void) {
        for index in tracks.indices where tracks[index].key != 0 {
            judge(index)
            body(tracks[index])
            tracks[index].key = 0
        }
    }

    private func begin(_ entry: LogEntry, _ key: UInt64, _ first: UInt32, _ endpoint: Int32, at index: Int) {
        var track = Track()
        track.key = key
        track.client = entry.client
        track.url = entry.url
        track.endpoint = endpoint
        track.agent = entry.agent
        track.count = 1
        track.first = first
        track.last = first
        track.pending = 1
        tracks[index] = track
        times[index * Self.segment] = first
    }

    @inline(__always)
    private func add(_ entry: LogEntry, _ time: UInt32, to index: Int) {
        let slot = Int(tracks[index].pending)
        // Logs are written at the end of a request, some with the time of its begin: a little disorder is normal.
        let time = max(time, tracks[index].last)
        times[index * Self.segment + slot] = time
        tracks[index].pending = UInt8(slot + 1)
        tracks[index].count &+= 1
        tracks[index].bytes &+= UInt64(entry.bytes)
        if tracks[index].status != 0 {
            tracks[index].compared &+= 1
            if entry.status == 304 {
                tracks[index].unchanged &+= 1
                tracks[index].notModified &+= 1
            } else if entry.status == tracks[index].status, entry.bytes == tracks[index].size {
                tracks[index].unchanged &+= 1
                tracks[index].unchangedBytes &+= UInt64(entry.bytes)
            }
        }
        // 304 says that what was sent before still holds.
        if entry.status != 304 || tracks[index].status == 0 {
            tracks[index].status = entry.status
            tracks[index].size = entry.bytes
        }
        let gap = time &- tracks[index].last
        if gap < 12_000 { tracks[index].active &+= UInt64(gap) }
        tracks[index].last = time
        if slot + 1 == Self.segment { judge(index) }
    }

    /// Judges the times that wait; the last of them begins the next segment.
    private func judge(_ index: Int) {
        let count = Int(tracks[index].pending)
        let start = index * Self.segment
        guard count > 1 else { return }
        let last = times[start + count - 1]
        if count > Train.fewest {
            if tracks[index].isHopeless {
                tracks[index].irregularSegments &+= 1
                tracks[index].lastLength = 0
            } else {
                let train = Train(Array(times[start..<(start + count)]), resolution: resolution)
                tracks[index].add(train, length: count == Self.segment ? last &- times[start] : 0)
            }
        }
        times[start] = last
        tracks[index].pending = 1
    }

    /// When it was seen before; `nil` the first time, which is remembered.
    private func firstTime(_ key: UInt64, _ time: UInt32) -> UInt32? {
        let mark = UInt32(truncatingIfNeeded: key) | 1
        let base = (Int(truncatingIfNeeded: key >> 32) & (onceSets - 1)) * 4
        var oldest = base
        for index in base..<(base + 4) {
            if once[index].mark == mark {
                once[index].mark = 0
                return min(once[index].time, time)
            }
            if once[index].mark == 0 {
                oldest = index
            } else if once[oldest].mark != 0, once[index].time < once[oldest].time {
                oldest = index
            }
        }
        once[oldest] = Once(mark: mark, time: time)
        return nil
    }

    /// The slot of what is worth least; -1 when all are polling right now.
    private func makeRoom(_ base: Int, _ time: UInt32, _ leave: (Track) -> Void) -> Int {
        var victim = -1
        var worst = 0.0
        for index in base..<(base + Self.ways) {
            let idle = Double(time > tracks[index].last ? time - tracks[index].last : 0)
            if tracks[index].count >= 6, idle < 12_000 { continue }
            let worth = (idle + 1) / Double(1 + min(tracks[index].count, 64))
            if worth > worst {
                worst = worth
                victim = index
            }
        }
        guard victim >= 0 else { return -1 }
        judge(victim)
        leave(tracks[victim])
        if tracks[victim].count > UInt32(Train.fewest) { evicted += 1 }
        return victim
    }
}
