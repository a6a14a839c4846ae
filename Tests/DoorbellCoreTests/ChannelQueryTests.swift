import DoorbellCore
import Testing

@Suite struct ChannelQueryTests {
    @Test("holes become parameters, a column once")
    func parameters() throws {
        let query = try ChannelQuery("select 'a' || {x} from t where id = {id} and y = {x}")
        #expect(query.statement == "select 'a' || $1 from t where id = $2 and y = $1")
        #expect(query.columns == ["x", "id"])
        #expect(try ChannelQuery("select 'all'").columns == [])
    }

    @Test("broken holes are refused", arguments: ["select {", "select {}", "select {a{b}}", "select {a"])
    func refused(_ text: String) {
        #expect(throws: ChannelQuery.SyntaxError.self) { try ChannelQuery(text) }
    }
}
