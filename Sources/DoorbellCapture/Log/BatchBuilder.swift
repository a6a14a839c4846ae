import DoorbellCore

/// Turns outbox rows of one tick into bounded batches for the sink.
///
/// Holds at most `batchRows` rows or `batchBytes` bytes of images (one larger row goes alone); a full batch is delivered
/// before the next row is read.
struct BatchBuilder {
    private let epoch: UInt64
    private let tick: Tick
    /// When the tick before was made: nothing in this tick was committed earlier.
    private let earliest: Timestamp
    private let rowLimit: Int
    private let byteLimit: Int
    private var changes: [Change] = []
    private var messages: [LoggedMessage] = []
    private var unreadable: [UnreadableChange] = []
    private var rows = 0
    private var bytes = 0
    private(set) var lastSeq: Int64?
    private(set) var lastCommittedAt: Timestamp?

    init(epoch: UInt64, tick: Tick, earliest: Timestamp, rowLimit: Int, byteLimit: Int) {
        self.epoch = epoch
        self.tick = tick
        self.earliest = earliest
        self.rowLimit = rowLimit
        self.byteLimit = byteLimit
    }

    var isEmpty: Bool { rows == 0 }
    var isFull: Bool { rows >= rowLimit || bytes >= byteLimit }
    var rowCount: Int { rows }
    var unreadableCount: Int { unreadable.count }

    /// Whether `row` would make the batch larger than its bytes.
    func wouldOverflow(_ row: OutboxRow) -> Bool { rows > 0 && bytes + row.bytes > byteLimit }

    /// - Parameter relation: Finds the table that the row's columns fit.
    mutating func add(_ row: OutboxRow, relation find: (Int32, RowImage?) -> Relation?) {
        let position = OutboxRow.position(epoch: epoch, tick: tick.number, seq: row.seq)
        // Not before the tick before, and never after the tick itself although clocks may jump: the same on every reading.
        let committedAt = min(max(row.at, earliest), max(tick.at, earliest))
        rows += 1
        bytes += row.bytes
        lastSeq = row.seq
        lastCommittedAt = committedAt
        func fail(_ reason: String, _ table: QualifiedName?) {
            unreadable.append(
                UnreadableChange(position: position, table: table, reason: reason, committedAt: committedAt))
        }
        if row.operation == MessagingSchema.operation, row.relation == MessagingSchema.relation {
            guard let message = row.message(position: position, committedAt: committedAt) else {
                return fail("a direct message is not as doorbell.publish writes it", nil)
            }
            return messages.append(message)
        }
        let images: (old: RowImage?, new: RowImage?)
        do {
            images = (
                try row.old.map { json throws(JSONError) in try RowImage(json: json) },
                try row.new.map { json throws(JSONError) in try RowImage(json: json) }
            )
        } catch {
            return fail("the row is not JSON: \(error)", find(row.relation, nil)?.name)
        }
        guard let relation = find(row.relation, images.new ?? images.old) else {
            return fail("the table is not captured any more", nil)
        }
        if relation.columns.isEmpty, row.operation != UInt8(ascii: "T") {
            return fail("the table was dropped", relation.name)
        }
        let second = OutboxRow.position(epoch: epoch, tick: tick.number, seq: row.seq, second: true)
        switch row.read(as: relation, images: images, position: position, second: second, committedAt: committedAt) {
        case .changes(let some): changes += some
        case .unreadable(let reason): fail(reason, relation.name)
        }
    }

    /// Takes what there is out. `nil` when there is nothing.
    mutating func take() -> ChangeBatch? {
        guard rows > 0, let lastSeq else { return nil }
        // The second half of an update that changed the key is the later of the two positions.
        let head = max(
            changes.last?.position ?? OutboxRow.position(epoch: epoch, tick: tick.number, seq: lastSeq),
            OutboxRow.position(epoch: epoch, tick: tick.number, seq: lastSeq))
        let batch = ChangeBatch(changes: changes, messages: messages, unreadable: unreadable, head: head)
        changes = []
        messages = []
        unreadable = []
        rows = 0
        bytes = 0
        return batch
    }
}
