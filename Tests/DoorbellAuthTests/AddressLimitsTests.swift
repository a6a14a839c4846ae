import NIOCore
import Testing

@testable import DoorbellAuth

@Suite struct AddressLimitsTests {
    private func address(_ text: String) throws -> SocketAddress { try SocketAddress(ipAddress: text, port: 1234) }

    private func limits(_ maximum: Int?, addresses: Int = 100) -> AddressLimits {
        var configuration = AddressLimitConfiguration()
        configuration.connectionsPerAddress = maximum
        configuration.maximumAddresses = addresses
        return AddressLimits(configuration)
    }

    @Test("an address may have so many connections and no more, until one ends")
    func perAddress() throws {
        var limits = limits(2)
        let (a, b) = (try address("192.0.2.1"), try address("192.0.2.2"))
        guard case .admitted(let key?) = limits.admit(a) else {
            Issue.record("not admitted")
            return
        }
        #expect(limits.admit(a) == .admitted(key))
        #expect(limits.admit(a) == .tooMany)
        #expect(limits.admit(b) != .tooMany)
        #expect(limits.addresses == 2 && limits.counted == 3 && limits.most == 2 && limits.refused == 1)
        limits.release(key)
        #expect(limits.admit(a) == .admitted(key))
        for _ in 0..<5 { limits.release(key) }
        #expect(limits.addresses == 1 && limits.counted == 1)
    }

    @Test("IPv6 addresses count by their first 64 bits, and IPv4 in IPv6 dress as IPv4")
    func version6() throws {
        var limits = limits(1)
        #expect(limits.admit(try address("2001:db8::1")) == .admitted(AddressRange("2001:db8::/64")))
        #expect(limits.admit(try address("2001:db8::ffff:1")) == .tooMany)
        #expect(limits.admit(try address("2001:db8:0:1::1")) != .tooMany)
        #expect(limits.admit(try address("192.0.2.1")) != .tooMany)
        #expect(limits.admit(try address("::ffff:192.0.2.1")) == .tooMany)
    }

    @Test("this machine, proxies, sockets without an address and no limit at all are not counted")
    func unlimited() throws {
        var limited = limits(1)
        for text in ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"] {
            for _ in 0..<3 { #expect(limited.admit(try address(text)) == .admitted(nil)) }
        }
        #expect(limited.admit(nil) == .admitted(nil))
        #expect(limited.admit(try SocketAddress(unixDomainSocketPath: "/tmp/x")) == .admitted(nil))
        limited.release(nil)
        #expect(limited.addresses == 0)
        var none = limits(nil)
        #expect(none.admit(try address("192.0.2.1")) == .admitted(nil))
    }

    @Test("the table has a bound, beyond which addresses that are not known are refused")
    func bound() throws {
        var limits = limits(2, addresses: 2)
        _ = limits.admit(try address("192.0.2.1"))
        _ = limits.admit(try address("192.0.2.2"))
        #expect(limits.admit(try address("192.0.2.3")) == .tableFull)
        #expect(limits.admit(try address("192.0.2.1")) != .tableFull)
        #expect(limits.refused == 1)
    }

    @Test(
        "ranges",
        arguments: [
            ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.0", false), ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false), ("::/0", "2001::1", true), ("::/0", "1.2.3.4", false),
            ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1/32", "192.0.2.2", false), ("fe80::/10", "febf::1", true),
            ("fe80::/10", "fec0::1", false), ("2001:db8::/65", "2001:db8::7fff:0:0:1", true),
            ("2001:db8::/65", "2001:db8::8000:0:0:1", false),
        ])
    func ranges(_ range: String, _ text: String, _ contains: Bool) throws {
        let one = try #require(AddressRange(try address(text)))
        #expect(try #require(AddressRange(range)).contains(one) == contains)
    }

    @Test(
        "what is no range",
        arguments: [
            "", "x", "1.2.3", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/", "1.2.3.4/8", "::1/129", "1.2.3.4/+32", "::1/64",
        ])
    func noRange(_ text: String) { #expect(AddressRange(text) == nil) }

    @Test("ranges are written as they are read")
    func description() {
        for text in ["10.0.0.0/8", "192.0.2.1", "0.0.0.0/0"] { #expect(AddressRange(text)?.description == text) }
        #expect(AddressRange("2001:db8::/64")?.description == "2001:db8:0:0:0:0:0:0/64")
    }
}
