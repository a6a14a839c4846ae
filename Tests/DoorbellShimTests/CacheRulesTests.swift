import DoorbellCore
import NIOHTTP1
import Testing

@testable import DoorbellShim

@Suite struct CacheRulesTests {
    @Test(
        "a request says whether it may be answered from memory",
        arguments: [
            ([:], "any"), (["if-none-match": "\"1\""], "any"),
            (["if-none-match": "\"1\"", "if-modified-since": "x"], "any"), (["if-modified-since": "x"], "none"),
            (["cache-control": "max-age=0"], "refresh"), (["Cache-Control": "foo, No-Cache"], "refresh"),
            (["pragma": "no-cache"], "refresh"), (["cache-control": "no-store"], "none"),
            (["cache-control": "no-cache, no-store"], "none"), (["cache-control": "max-age=5"], "any"),
            (["range": "bytes=0-1"], "none"), (["if-match": "*"], "none"), (["if-range": "x"], "none"),
            (["if-unmodified-since": "x"], "none"), (["upgrade": "h2c"], "none"),
            (["connection": "keep-alive, TE"], "any"), (["connection": "Close"], "any"),
            // In the key, and the legacy API would not be shown it.
            (["connection": "Cookie", "cookie": "a"], "none"), (["connection": "close, x-user"], "none"),
        ] as [(HTTPHeaders, String)])
    func use(_ headers: HTTPHeaders, _ expected: String) {
        for method in [HTTPMethod.GET, .HEAD] {
            let head = HTTPRequestHead(version: .http1_1, method: method, uri: "/", headers: headers)
            #expect("\(CacheRules.use(of: head, .origin))" == expected)
            #expect("\(CacheRules.use(of: head, .log))" == (expected == "refresh" ? "any" : expected))
        }
        let post = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/", headers: headers)
        #expect(CacheRules.use(of: post, .log) == .none)
    }

    @Test(
        "an answer says whether it may be kept",
        arguments: [
            (200, [:], .keep, .keep), (203, [:], .pass, .pass), (404, [:], .pass, .pass), (206, [:], .pass, .pass),
            (304, [:], .pass, .pass), (500, [:], .pass, .pass),
            (200, ["cache-control": "private, max-age=0, must-revalidate"], .keep, .passAll),
            (200, ["cache-control": "No-Store"], .passAll, .passAll),
            (200, ["cache-control": #"private="x""#], .keep, .passAll),
            (200, ["set-cookie": "a=b"], .passAll, .passAll), (200, ["vary": "*"], .passAll, .passAll),
            (200, ["content-length": "101"], .passAll, .passAll), (200, ["content-length": "100"], .keep, .keep),
            (200, ["content-type": "text/event-stream; x"], .passAll, .passAll),
            (200, ["content-range": "bytes 0-1/2"], .passAll, .passAll),
            (200, ["vary": "Accept-Encoding, Origin"], .keep, .keep),
            (200, ["vary": "Cookie"], .keep, .vary(["cookie"])),
            (200, ["vary": "X-Known, User-Agent"], .keep, .vary(["user-agent"])),
            (200, ["vary": "Referer"], .vary(["referer"]), .vary(["referer"])),
            (200, ["vary": "a, b, c, d, e, f, g, h"], .keep, .passAll),
        ] as [(Int, HTTPHeaders, CacheRules.Keeping, CacheRules.Keeping)])
    func keeping(
        _ status: Int, _ headers: HTTPHeaders, _ forOne: CacheRules.Keeping, _ forAll: CacheRules.Keeping
    ) {
        for (identity, expected) in [(Feature.Caching.Identity.credentials, forOne), (.public, forAll)] {
            let found = CacheRules.keeping(
                HTTPResponseStatus(statusCode: status), headers, identity: identity, known: ["x-known"],
                maximumBody: 100)
            #expect(found == expected, "\(identity)")
        }
    }
}
