import DoorbellCore

/// `versions`: what a row looks like to clients.
extension ConfigurationReader {
    func versions(_ feature: ConfigurationSection) -> [(version: SchemaVersion, projection: Projection)] {
        guard let section = feature.section("versions", ownKeys: true) else { return [] }
        asked.insert("features.<name>.versions.<number>")
        if section.members.isEmpty { problem(section.mark, "\(section.path) is empty") }
        var versions: [(version: SchemaVersion, projection: Projection)] = []
        for member in section.members {
            guard let version = Int(member.key).flatMap({ SchemaVersion($0) }) else {
                problem(
                    member.keyMark, "'\(member.key)' in \(section.path) is not a version",
                    "versions are numbers from 1 to 65535")
                continue
            }
            let path = section.path(of: member.key)
            let fields: [Projection.Field]
            switch member.value.kind {
            case .list(let elements): fields = columns(elements, path)
            case .mapping: fields = self.fields(member, path)
            case .scalar:
                problem(
                    member.value.mark, "\(path) must be a list of columns or a mapping, not \(member.value.noun)",
                    "write '[id, name]' or '{ id: id, label: name }'")
                continue
            }
            if fields.isEmpty, member.value.isEmpty { problem(member.value.mark, "\(path) is empty") }
            // A number written twice has been reported as a repeated key.
            if !versions.contains(where: { $0.version == version }) { versions.append((version, .fields(fields))) }
        }
        return versions
    }

    private func columns(_ elements: [YAMLTree], _ path: String) -> [Projection.Field] {
        var fields: [Projection.Field] = []
        for (index, element) in elements.enumerated() {
            guard let column = text(element, "\(path)[\(index)]") else { continue }
            if fields.contains(where: { $0.name == column }) {
                problem(element.mark, "the column '\(column)' stands twice in \(path)")
            } else {
                fields.append(.init(name: column, source: .column(column, cast: nil)))
            }
        }
        return fields
    }

    private func fields(_ member: YAMLTree.Member, _ path: String) -> [Projection.Field] {
        let pattern = "features.<name>.versions.<number>"
        guard
            let section = ConfigurationSection(
                member.value, path: path, pattern: pattern, mark: member.keyMark, ownKeys: true, in: self)
        else { return [] }
        asked.insert("\(pattern).<field>")
        var fields: [Projection.Field] = []
        for field in section.members where !fields.contains(where: { $0.name == field.key }) {
            guard !field.key.isEmpty else {
                problem(field.keyMark, "a field in \(path) has no name")
                continue
            }
            if let source = source(field, path: section.path(of: field.key), pattern: "\(pattern).<field>") {
                fields.append(.init(name: field.key, source: source))
            }
        }
        return fields
    }

    private func source(_ field: YAMLTree.Member, path: String, pattern: String) -> Projection.Source? {
        guard case .mapping = field.value.kind else {
            return text(field.value, path).map { .column($0, cast: nil) }
        }
        guard
            let section = ConfigurationSection(
                field.value, path: path, pattern: pattern, mark: field.keyMark, in: self)
        else { return nil }
        if let constant = section["const"] {
            if section["column"] != nil || section["as"] != nil {
                problem(field.keyMark, "\(path) has 'const' and 'column' or 'as'", "a field is one or the other")
            }
            var json: [UInt8] = []
            append(constant, to: &json)
            return .constant(json)
        }
        let cast: Projection.Cast? =
            section["as"] == nil ? nil : section.choice("as", default: Projection.Cast.string)
        guard let column = section.required("column", "name") else { return nil }
        return .column(column, cast: cast)
    }

    /// A constant as JSON. Plain scalars mean what YAML's core schema says, as far as JSON can write it; the rest is text.
    private func append(_ tree: YAMLTree, to json: inout [UInt8]) {
        switch tree.kind {
        case .scalar(let raw, let plain):
            let text = expand(raw, tree.mark) ?? ""
            switch text {
            case "", "~", "null", "Null", "NULL":
                if plain { json.append(contentsOf: "null".utf8) } else { JSONWriter.string(text, to: &json) }
            case "true", "True",
                "TRUE" where plain:
                json.append(contentsOf: "true".utf8)
            case "false", "False",
                "FALSE" where plain:
                json.append(contentsOf: "false".utf8)
            default:
                var scanner = JSONScanner(Array(text.utf8))
                let isNumber =
                    plain && text.utf8.first.map { $0 == 0x2D || (0x30...0x39).contains($0) } == true
                    && (try? scanner.skipValue()) == 0..<text.utf8.count
                if isNumber { json.append(contentsOf: text.utf8) } else { JSONWriter.string(text, to: &json) }
            }
        case .list(let elements):
            json.append(0x5B)
            for (index, element) in elements.enumerated() {
                if index > 0 { json.append(0x2C) }
                append(element, to: &json)
            }
            json.append(0x5D)
        case .mapping(let members):
            json.append(0x7B)
            for (index, member) in members.enumerated() {
                if index > 0 { json.append(0x2C) }
                JSONWriter.string(member.key, to: &json)
                json.append(0x3A)
                append(member.value, to: &json)
            }
            json.append(0x7D)
        }
    }
}

extension YAMLTree {
    var isEmpty: Bool {
        switch kind {
        case .scalar(let text, _): text.isEmpty
        case .list(let elements): elements.isEmpty
        case .mapping(let members): members.isEmpty
        }
    }
}
