import DoorbellWire
import Testing

@Suite struct WebSocketExtensionTests {
    typealias Offer = WebSocketExtension

    @Test("a list of extensions with their parameters, over several fields")
    func list() {
        #expect(
            Offer.parse(["permessage-deflate; client_max_window_bits; server_max_window_bits=10 , x-a", #"y;b="10";c"#])
                == [
                    Offer(
                        "permessage-deflate", [.init("client_max_window_bits"), .init("server_max_window_bits", "10")]),
                    Offer("x-a"), Offer("y", [.init("b", "10"), .init("c")]),
                ])
    }

    @Test("space and empty elements are as HTTP allows them")
    func space() {
        #expect(Offer.parse([]) == [])
        #expect(Offer.parse([""]) == [])
        #expect(Offer.parse([" , ,\ta ;\t b = c ,, d ", ","]) == [Offer("a", [.init("b", "c")]), Offer("d")])
        #expect(Offer.parse([#"a;b="c\d""#]) == [Offer("a", [.init("b", "cd")])])
    }

    @Test(
        "what has not the grammar is refused whole",
        arguments: [
            "a b", ";", "a;", "a;;b", "a;=b", "a;b=", "a=b", #"a;b="""#, #"a;b="c"#, #"a;b="c d""#, #"a;b="c"d"#,
            #"a;b="\"#, "a;b=c=d", "ä", "a\u{0}", "a,(", #""a""#,
        ])
    func malformed(_ field: String) {
        #expect(Offer.parse([field]) == nil)
        #expect(Offer.parse(["fine", field]) == nil)
    }

    @Test("extensions and parameters are bounded")
    func bounds() {
        let many = { (count: Int, separator: String) in
            Array(repeating: "a", count: count).joined(separator: separator)
        }
        #expect(Offer.parse([many(16, ",")])?.count == 16)
        #expect(Offer.parse([many(17, ",")]) == nil)
        #expect(Offer.parse(Array(repeating: "a", count: 17)) == nil)
        #expect(Offer.parse([many(17, ";")])?.first?.parameters.count == 16)
        #expect(Offer.parse([many(18, ";")]) == nil)
    }
}
