import DoorbellCore
import Testing

@Suite struct CivilTimeTests {
    @Test(
        "dates are read to the day, the minute and the second, and written as HTTP and RFC 3339 have them",
        arguments: [
            ("1970-01-01", 0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("1994-11-06T08:49:37Z", 784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("2026-12-01T10:00Z", 1_796_119_200, "Tue, 01 Dec 2026 10:00:00 GMT"),
            ("2026-12-01T11:30:00+01:30", 1_796_119_200, "Tue, 01 Dec 2026 10:00:00 GMT"),
            ("2026-12-01t05:00-05:00", 1_796_119_200, "Tue, 01 Dec 2026 10:00:00 GMT"),
            ("2000-02-29", 951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            ("2100-02-28 23:59:59Z", 4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            ("1969-12-31T23:59:59Z", -1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            ("0001-01-01", -62_135_596_800, "Mon, 01 Jan 0001 00:00:00 GMT"),
            ("9999-12-31T23:59:59Z", 253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] as [(String, Int64, String)])
    func read(text: String, seconds: Int64, http: String) throws {
        let moment = try #require(Timestamp(rfc3339: text))
        #expect(moment == Timestamp(microseconds: seconds * 1_000_000))
        #expect(moment.seconds == seconds)
        #expect(moment.httpDate == http)
        #expect(Timestamp(rfc3339: moment.rfc3339) == moment)
    }

    @Test(
        "what is no date is none",
        arguments: [
            "", "2026", "2026-13-01", "2026-00-01", "2026-02-29", "2026-04-31", "2026-12-00", "2026-12-1",
            "2026-12-01T",
            "2026-12-01T24:00Z", "2026-12-01T10:60Z", "2026-12-01T10:00", "2026-12-01T10:00:60Z", "2026-12-01T10:00Zx",
            "2026-12-01T10:00+1:00", "2026-12-01T10:00:00.5Z", "-026-12-01", "٢٠٢٦-12-01", "2026/12/01", "tomorrow",
        ])
    func refused(text: String) { #expect(Timestamp(rfc3339: text) == nil) }

    @Test("every day of 800 years follows the one before")
    func days() throws {
        var last = try #require(Timestamp(rfc3339: "1600-01-01"))
        for number in 1...292_194 {
            let next = Timestamp(microseconds: last.microseconds + 86_400_000_000)
            guard Timestamp(rfc3339: String(next.rfc3339.prefix(10))) == next, next.rfc3339 > last.rfc3339 else {
                Issue.record("day \(number), \(next.rfc3339)")
                return
            }
            last = next
        }
        #expect(last.rfc3339 == "2400-01-01T00:00:00Z")
    }
}
