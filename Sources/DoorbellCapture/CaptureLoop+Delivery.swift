import DoorbellCore
import Logging
import Metrics

/// From ticks to the sink.
extension CaptureLoop {
    /// How many ticks are listed at once while reading what was missed.
    private static let tickPage = 512

    /// Decides where to go on and tells the sink.
    func openLog(_ log: LogConnection) throws(PGError) {
        let state = try log.state()
        let floor = Position(epoch: state.epoch, tick: state.firstWhole, seq: 0)
        // A tick that was begun is gone on with, from the row after the last one.
        let end = try log.lastTick()
        if let cursor, cursor.epoch == state.epoch {
            guard cursor.lastWhole <= end else { return try logHasGoneBack(log) }
            if cursor.lastWhole >= state.truncatedThrough {
                sink.logOpened(floor: floor, replayingTo: nil)
                return
            }
        }
        let start = state.firstWhole - 1
        cursor = LogCursor(epoch: state.epoch, tick: start, seq: nil)
        last = nil
        let replayEnd = Position(epoch: state.epoch, tick: end, seq: UInt64(Int64.max))
        sink.logOpened(floor: floor, replayingTo: end > start ? replayEnd : nil)
    }

    /// An older copy of this very database was put in the place of the one that we delivered from: the same positions would
    /// come to mean other rows.
    private func logHasGoneBack(_ log: LogConnection) throws(PGError) {
        logger.warning("the log has gone back behind what was delivered; a new epoch begins")
        try log.renewEpoch()
        cursor = nil
        try openLog(log)
    }

    /// Delivers every tick after the cursor, until there are no more.
    func catchUp(_ log: LogConnection, live: Bool) throws(PGError) {
        while let at = cursor {
            let base = at.lastWhole
            let ticks = try log.ticks(from: base, limit: Self.tickPage)
            guard let first = ticks.first, first.number == base else {
                // Away for longer than the retention.
                cursor = nil
                try openLog(log)
                continue
            }
            if let last, last.number == base, last != first {
                try logHasGoneBack(log)
                continue
            }
            last = first
            guard ticks.count > 1 else { return }
            var group: [Tick] = []
            var rows = 0
            for tick in ticks.dropFirst() {
                let alone = at.seq != nil && tick.number == at.tick
                if !group.isEmpty, alone || rows + tick.rows > groupRows {
                    try flush(&group, from: log, live: live)
                    rows = 0
                }
                group.append(tick)
                rows += tick.rows
                if alone { try flush(&group, from: log, live: live) }
            }
            try flush(&group, from: log, live: live)
        }
    }

    private func flush(_ group: inout [Tick], from log: LogConnection, live: Bool) throws(PGError) {
        guard let previous = last, !group.isEmpty else { return }
        try deliver(group, after: previous, from: log, live: live)
        group = []
    }

    /// Delivers ticks that follow `previous`. Several together only when their rows are few: they are sorted here.
    ///
    /// - Parameter rows: All rows of the one tick, if they are here already.
    func deliver(
        _ ticks: [Tick], rows: [OutboxRow]? = nil, after previous: Tick, from log: LogConnection, live: Bool
    ) throws(PGError) {
        guard let newest = ticks.last, let epoch = cursor?.epoch else { return }
        let after = cursor?.tick == newest.number ? cursor?.seq ?? 0 : 0
        var delivered = 0
        if catalog.isStale(now: .now) { try readCatalog() }
        if ticks.count > 1, let sorted = try deliverSorted(ticks, after: previous, epoch: epoch, from: log, live: live)
        {
            groupRows = min(configuration.batchRows, groupRows * 2)
            delivered = sorted
        } else if ticks.count > 1 {
            // Their rows are too large to be held: one by one, as they come.
            groupRows = max(1, groupRows / 8)
            var previous = previous
            for tick in ticks {
                try deliver([tick], after: previous, from: log, live: live)
                guard cursor?.tick == tick.number, cursor?.epoch == epoch else { return }
                previous = tick
            }
            return
        } else {
            var builder = batches(epoch, newest, previous)
            if let rows {
                delivered = rows.count
                for row in rows { try add(row, to: &builder, live: live) }
            } else {
                try log.rows(from: previous.snapshot, to: newest.snapshot, after: after) { row throws(PGError) in
                    delivered += 1
                    try add(row, to: &builder, live: live)
                }
            }
            hand(&builder, of: newest, live: live)
        }
        cursor = LogCursor(epoch: epoch, tick: newest.number, seq: nil)
        last = newest
        // Fewer rows than the ticks have: a TRUNCATE was quicker. Say where the log begins now.
        if after != 0 || delivered < ticks.reduce(0, { $0 + $1.rows }),
            try log.state().truncatedThrough >= previous.number + 1
        {
            cursor = nil
            try openLog(log)
        }
    }

    /// Holds all rows of `ticks` at once, so they may have at most eight batches of bytes and one row.
    ///
    /// - Returns: How many rows; `nil` when they are larger, and then none was delivered.
    private func deliverSorted(
        _ ticks: [Tick], after previous: Tick, epoch: UInt64, from log: LogConnection, live: Bool
    ) throws(PGError) -> Int? {
        guard let newest = ticks.last else { return 0 }
        var rows: [(tick: Int, row: OutboxRow)] = []
        var bytes = 0
        try log.rows(from: previous.snapshot, to: newest.snapshot, after: 0) { row throws(PGError) in
            if bytes <= 8 * configuration.batchBytes { rows.append((Self.index(of: row.xid, in: ticks), row)) }
            bytes += row.bytes
            if bytes > 8 * configuration.batchBytes { rows = [] }
        }
        guard bytes <= 8 * configuration.batchBytes else { return nil }
        rows.sort { ($0.tick, $0.row.seq) < ($1.tick, $1.row.seq) }
        var next = rows[...]
        var before = previous
        for (index, tick) in ticks.enumerated() {
            var builder = batches(epoch, tick, before)
            while let first = next.first, first.tick == index {
                try add(first.row, to: &builder, live: live)
                next = next.dropFirst()
            }
            hand(&builder, of: tick, live: live)
            before = tick
        }
        return rows.count
    }

    /// The first tick that sees `xid`: ticks see more and more, so halving finds it.
    static func index(of xid: UInt64, in ticks: [Tick]) -> Int {
        var (low, high) = (0, ticks.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if ticks[middle].snapshot.sees(xid) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private func batches(_ epoch: UInt64, _ tick: Tick, _ previous: Tick) -> BatchBuilder {
        BatchBuilder(
            epoch: epoch, tick: tick, earliest: previous.at, rowLimit: configuration.batchRows,
            byteLimit: configuration.batchBytes)
    }

    private func add(_ row: OutboxRow, to builder: inout BatchBuilder, live: Bool) throws(PGError) {
        if builder.wouldOverflow(row) { hand(&builder, live: live) }
        var failure: PGError?
        builder.add(row) { id, image in
            do throws(PGError) {
                return try relation(id, fitting: image)
            } catch {
                failure = error
                return catalog[id]
            }
        }
        if let failure { throw failure }
        if builder.isFull { hand(&builder, live: live) }
    }

    private func hand(_ builder: inout BatchBuilder, of tick: Tick? = nil, live: Bool) {
        metrics.rows.increment(by: builder.rowCount)
        metrics.unreadable.increment(by: builder.unreadableCount)
        if let batch = builder.take() {
            sink.deliver(batch, queries: queries)
            if let seq = builder.lastSeq {
                cursor = LogCursor(epoch: batch.head.epoch, tick: batch.head.tick, seq: seq)
            }
            if live, let committed = builder.lastCommittedAt {
                metrics.lag.record(WallClock.now.seconds(since: committed))
            }
        }
        if let tick, let epoch = cursor?.epoch { cursor = LogCursor(epoch: epoch, tick: tick.number, seq: nil) }
    }

    // MARK: Catalogue

    private func relation(_ id: Int32, fitting image: RowImage?) throws(PGError) -> Relation? {
        if let known = catalog[id], Self.fits(image, known) { return known }
        if catalog.mayReread(now: .now) { try readCatalog() }
        return catalog[id]
    }

    private static func fits(_ image: RowImage?, _ relation: Relation) -> Bool {
        guard let image else { return true }
        guard image.columns.count == relation.columns.count else { return false }
        for (column, expected) in zip(image.columns, relation.columns) where column.name != expected.name {
            // Partitions may have the same columns in another order.
            return image.columns.allSatisfy { column in relation.columns.contains { $0.name == column.name } }
        }
        return true
    }

    private func readCatalog() throws(PGError) {
        do {
            try queries.withConnection { connection throws(PGError) in try catalog.read(from: connection, now: .now) }
        } catch  where error.kind == .statement {
            // A catalogue that is locked (DDL in progress) is no reason to stop: what we know is tried again later.
            logger.notice("the catalogue cannot be read now", metadata: ["doorbell.reason": "\(error.message)"])
            catalog.postpone(now: .now)
        }
    }
}
