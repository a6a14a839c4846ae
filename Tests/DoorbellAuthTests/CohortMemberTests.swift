import DoorbellAuth
import DoorbellCore
import NIOHTTP1
import Testing

@Suite struct CohortMemberTests {
    /// Not signed by anybody: a cohort is no right. Its payload is `{"sub":"7","org":{"id":42}}`.
    let token = "e30.eyJzdWIiOiI3Iiwib3JnIjp7ImlkIjo0Mn19.c2ln"

    func member(_ rule: CohortRule.Identity, _ headers: HTTPHeaders, _ address: String? = "192.0.2.1") -> CohortMember {
        CohortMember(of: CohortRule(rule), headers: headers, address: address)
    }

    let user = CohortRule.Identity.user(claim: "sub", cookie: "token")

    @Test("a user is who the token claims, in whichever place it came, so a poll and a socket are the same client")
    func users() {
        let expected = CohortMember(key: "user:7", name: "7")
        for headers: HTTPHeaders in [
            ["authorization": "Bearer \(token)"], ["Authorization": "bearer  \(token)"],
            ["cookie": "a=b; token=\(token)"],
            ["authorization": "Bearer \(token)", "cookie": "token=x.y.z"],
            ["authorization": "Basic x", "cookie": "token=\(token)"],
        ] { #expect(member(user, headers) == expected) }
        #expect(member(.user(claim: "org.id", cookie: nil), ["authorization": "Bearer \(token)"]).name == "42")
    }

    @Test("without a claim it is the Authorization, without that the address, and neither is on a list of users")
    func fallback() {
        for value in ["Bearer opaque", "Basic QTpC", "Bearer a.b.c", "Bearer e30.e30.c2ln", "Bearer", ""] {
            #expect(
                member(user, ["authorization": value]) == CohortMember(key: "authorization:\(value)", name: nil),
                "\(value)")
        }
        #expect(member(user, ["cookie": "token=junk"]) == CohortMember(key: "address:192.0.2.1", name: nil))
        #expect(
            member(.cookie("sid"), ["cookie": "sid=; other=1"]) == CohortMember(key: "address:192.0.2.1", name: nil))
        #expect(member(user, [:], nil) == CohortMember(key: "address:", name: nil))
        #expect(member(.address, [:], nil) == CohortMember(key: "address:", name: nil))
    }

    @Test("a session is the value of its cookie, whatever other cookies come and go")
    func cookies() {
        let expected = CohortMember(key: "cookie:abc", name: "abc")
        #expect(member(.cookie("sid"), ["cookie": "sid=abc"]) == expected)
        #expect(member(.cookie("sid"), ["cookie": "_ga=1; sid=\"abc\"; xsid=2"]) == expected)
    }

    @Test(
        "an address is the client's as the first proxy tells it, in one spelling, of IPv6 the network",
        arguments: [
            ("", "192.0.2.1", "192.0.2.1"), ("198.51.100.7, 10.0.0.1", "10.0.0.2", "198.51.100.7"),
            ("2001:DB8::9", "10.0.0.2", "2001:db8:0:0:0:0:0:0/64"),
            ("", "2001:db8:0:0:1:2:3:4", "2001:db8:0:0:0:0:0:0/64"), ("", "::ffff:192.0.2.1", "192.0.2.1"),
            ("unknown", "192.0.2.1", "192.0.2.1"),
        ])
    func addresses(forwarded: String, peer: String, name: String) {
        let headers: HTTPHeaders = forwarded.isEmpty ? [:] : ["x-forwarded-for": forwarded]
        #expect(member(.address, headers, peer) == CohortMember(key: "address:\(name)", name: name))
        #expect(CohortMember.listed(name.replacing("/64", with: ""), by: .address) == name)
    }

    @Test("kinds of names are not taken for each other, and endless ones are cut")
    func bounds() {
        #expect(
            member(.cookie("sid"), ["cookie": "sid=7"]).key != member(user, ["authorization": "Bearer \(token)"]).key)
        let long = String(repeating: "x", count: 100_000)
        #expect(member(.cookie("sid"), ["cookie": "sid=\(long)"]).key.utf8.count < 9000)
        #expect(member(user, ["authorization": "Bearer \(long).e30.x"]).key.utf8.count < 9000)
    }
}
