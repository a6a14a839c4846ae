import DoorbellCore

/// `parity` of a feature.
extension ConfigurationReader {
    func parity(
        _ feature: ConfigurationSection, tables: [Feature.TableRule], mode: Feature.Mode,
        versions: [(version: SchemaVersion, projection: Projection)]
    ) -> ParitySettings {
        guard let section = feature.section("parity") else { return ParitySettings() }
        var settings = ParitySettings()
        settings.isEnabled = section.flag("enabled", default: settings.isEnabled)
        settings.ignore = paths("ignore", section)
        settings.unordered = paths("unordered", section)
        guard let items = section.section("items") else { return settings }
        let path = items.required("path", "$.items").flatMap { jsonPath($0, items["path"], "\(items.path).path") }
        if let path, path.steps.contains(where: { $0 == .anyElement || $0 == .anyMember }) {
            problem(items["path"]?.mark, "\(items.path).path must lead to one array, not to many", "write '$.items'")
        }
        let key = items.required("key", "id")
        let version = itemsVersion(items, versions)
        let told = tables.count { ($0.mode ?? mode) == .rows }
        if told != 1 {
            problem(
                items.mark, "\(items.path) applies messages to rows, and \(told) tables of \(feature.path) tell rows",
                told == 0 ? "leave it out" : "give all tables but one 'mode: signal'")
        }
        if let path, let key { settings.items = ParitySettings.Items(path: path, key: key, version: version) }
        return settings
    }

    private func itemsVersion(
        _ items: ConfigurationSection, _ versions: [(version: SchemaVersion, projection: Projection)]
    ) -> SchemaVersion? {
        guard items["version"] != nil else { return nil }
        let number = items.number("version", default: 1, 1...Int(UInt16.max))
        guard let version = SchemaVersion(number) else { return nil }
        let known = versions.isEmpty ? [.first] : versions.map(\.version)
        if !known.contains(version) {
            problem(
                items["version"]?.mark, "\(items.path).version is \(version), which the feature does not have",
                "it has \(known.map(\.description).joined(separator: ", "))")
        }
        return version
    }

    private func paths(_ key: String, _ section: ConfigurationSection) -> [JSONPath] {
        (section.list(key) ?? []).enumerated().compactMap { index, tree in
            let place = "\(section.path(of: key))[\(index)]"
            return text(tree, place).flatMap { jsonPath($0, tree, place) }
        }
    }

    private func jsonPath(_ text: String, _ tree: YAMLTree?, _ place: String) -> JSONPath? {
        do throws(JSONPath.SyntaxError) {
            return try JSONPath(text)
        } catch {
            problem(tree?.mark, "\(place): \(error)")
            return nil
        }
    }
}
