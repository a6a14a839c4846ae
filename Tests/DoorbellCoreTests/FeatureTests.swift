import DoorbellCore
import Testing

@Suite struct FeatureTests {
    private func feature(_ poll: String, channel: String? = nil, _ templates: [String]) throws -> Feature {
        let table = QualifiedName(schema: "public", name: "t")
        return Feature(
            name: "f", poll: try PollPattern(poll),
            tables: try templates.map { .init(table: table, channel: .template(try ChannelTemplate($0))) },
            channel: try channel.map { try ChannelTemplate($0) })
    }

    @Test("a polled URL leads to its channels, and a channel back to the URL")
    func mapping() throws {
        let feature = try feature("GET /u/{id}/n", ["u:{id}", "o:{other}", "u:{id}"])
        let values = try #require(feature.poll.match("/u/a%2Fb/n"))
        let channels = feature.channels(for: values)
        #expect(channels.map(\.rawValue) == ["u:a%2Fb"])
        #expect(feature.pollTarget(for: channels[0]) == "/u/a%2Fb/n")
        let other = try #require(ChannelName("o:1"))
        #expect(feature.owns(other))
        #expect(feature.pollTarget(for: other) == nil)
    }

    @Test("a target that a channel leads to is never another poll", arguments: ["u:.", "u:.."])
    func dots(_ channel: String) throws {
        let feature = try feature("GET /u/{id}/n", ["u:{id}"])
        let name = try #require(ChannelName(channel))
        #expect(feature.pollTarget(for: name) == nil)
    }

    @Test("the first wanted version that is known is spoken; none wanted means the lowest")
    func versions() throws {
        let feature = Feature(
            name: "f", poll: try PollPattern("GET /"), tables: [],
            versions: [(try #require(SchemaVersion(3)), .all), (try #require(SchemaVersion(2)), .all)])
        func spoken(_ wanted: [Int]) -> UInt16? {
            feature.version(among: wanted.compactMap { SchemaVersion($0) })?.number
        }
        #expect(spoken([]) == 2)
        #expect(spoken([9, 3, 2]) == 3)
        #expect(spoken([9]) == nil)
        #expect(SchemaVersion(0) == nil && SchemaVersion(65_536) == nil && SchemaVersion(-1) == nil)
    }

    @Test("a table's name has one or two parts")
    func tableNames() {
        #expect(QualifiedName("a.b")?.description == "a.b")
        #expect(QualifiedName("b")?.description == "public.b")
        for text in ["", ".", "a.", ".b", "a.b.c"] { #expect(QualifiedName(text) == nil) }
    }
}
