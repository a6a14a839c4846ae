import DoorbellCore

/// Renders rows in one schema version of a feature. Made once from the configuration; nothing here depends on a table, so
/// that altering one needs no new renderer.
///
/// This is the hot path of translation: names are written as bytes prepared beforehand, and a row that is passed on as it
/// stands is not copied at all.
struct Renderer: Sendable {
    let version: SchemaVersion
    private let body: Body
    /// What key columns are called in this version, where that is not their own name.
    private let keyNames: [String: String]

    private enum Body: Sendable {
        case row
        case fields([Field], overhead: Int)
    }

    private struct Field: Sendable {
        let name: String
        /// `{"name":` for the first, `,"name":` for the others.
        let opening: [UInt8]
        let source: Projection.Source
    }

    init(version: SchemaVersion, projection: Projection) {
        self.version = version
        switch projection {
        case .all:
            self.body = .row
            self.keyNames = [:]
        case .fields(let fields):
            var compiled: [Field] = []
            var keyNames: [String: String] = [:]
            for field in fields {
                var opening: [UInt8] = [compiled.isEmpty ? 0x7B : 0x2C]
                JSONWriter.string(field.name, to: &opening)
                opening.append(0x3A)
                compiled.append(Field(name: field.name, opening: opening, source: field.source))
                if case .column(let column, cast: nil) = field.source, keyNames[column] == nil {
                    keyNames[column] = field.name
                }
            }
            self.body = .fields(compiled, overhead: compiled.reduce(2) { $0 + $1.opening.count })
            self.keyNames = keyNames
        }
    }

    // MARK: Members of a message

    /// The projected row.
    func data(of row: RowImage, in relation: Relation) throws(RowValue.Failure) -> [UInt8] {
        switch body {
        case .row:
            return relation.isPlain ? row.json : try rebuilt(row, in: relation)
        case .fields(let fields, let overhead):
            var json: [UInt8] = []
            json.reserveCapacity(row.json.count + overhead)
            var place = 0
            for field in fields {
                json.append(contentsOf: field.opening)
                switch field.source {
                case .constant(let constant): json.append(contentsOf: constant)
                case .column(let column, let cast):
                    try Self.append(column, of: row, in: relation, cast: cast, near: &place, to: &json)
                }
            }
            if fields.isEmpty { json.append(0x7B) }
            json.append(0x7D)
            return json
        }
    }

    /// An object of the key columns; `nil` for a table without a key.
    func key(of row: RowImage, in relation: Relation) throws(RowValue.Failure) -> [UInt8]? {
        if relation.key.isEmpty { return nil }
        var json: [UInt8] = []
        json.reserveCapacity(32)
        var place = 0
        for column in relation.key {
            json.append(json.isEmpty ? 0x7B : 0x2C)
            JSONWriter.string(keyNames.isEmpty ? column : keyNames[column] ?? column, to: &json)
            json.append(0x3A)
            try Self.append(column, of: row, in: relation, cast: nil, near: &place, to: &json)
        }
        json.append(0x7D)
        return json
    }

    /// Names of the fields whose column differs. A column that the row before did not have yet counts as changed.
    func changed(from before: RowImage, to after: RowImage) -> [String] {
        var names: [String] = []
        switch body {
        case .row:
            for (index, column) in after.columns.enumerated() {
                guard let old = before.index(of: column.name, from: index), Self.same(before, old, after, index) else {
                    names.append(column.name)
                    continue
                }
            }
        case .fields(let fields, _):
            for field in fields {
                guard case .column(let column, _) = field.source else { continue }
                if !Self.same(column, before, after) { names.append(field.name) }
            }
        }
        return names
    }

    // MARK: Pieces

    private func rebuilt(_ row: RowImage, in relation: Relation) throws(RowValue.Failure) -> [UInt8] {
        var json: [UInt8] = []
        json.reserveCapacity(row.json.count)
        for column in row.columns {
            json.append(json.isEmpty ? 0x7B : 0x2C)
            JSONWriter.string(column.name, to: &json)
            json.append(0x3A)
            try RowValue.append(
                row.json[column.value], of: column.name, kind: relation.kind(of: column.name), cast: nil, to: &json)
        }
        if row.columns.isEmpty { json.append(0x7B) }
        json.append(0x7D)
        return json
    }

    private static func append(
        _ column: String, of row: RowImage, in relation: Relation, cast: Projection.Cast?, near place: inout Int,
        to json: inout [UInt8]
    ) throws(RowValue.Failure) {
        guard let index = row.index(of: column, from: place) else {
            throw RowValue.Failure(reason: "\(relation.name) has no column '\(column)'")
        }
        place = index + 1
        let value = row.json[row.columns[index].value]
        let kind = relation.isPlain ? .plain : relation.kind(of: column)
        try RowValue.append(value, of: column, kind: kind, cast: cast, to: &json)
    }

    /// Whether a column has the same bytes in both rows; a missing one differs from every other.
    static func same(_ column: String, _ a: RowImage, _ b: RowImage) -> Bool {
        guard let i = a.index(of: column), let j = b.index(of: column, from: i) else { return false }
        return same(a, i, b, j)
    }

    private static func same(_ a: RowImage, _ i: Int, _ b: RowImage, _ j: Int) -> Bool {
        let x = a.columns[i].value
        let y = b.columns[j].value
        guard x.count == y.count else { return false }
        return a.json.withUnsafeBufferPointer { left in
            b.json.withUnsafeBufferPointer { right in left[x].elementsEqual(right[y]) }
        }
    }
}
