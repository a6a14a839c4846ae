import Testing

@testable import DoorbellReport

@Suite struct FiguresTests {
    @Test("bytes and times carry units that fit them")
    func units() {
        #expect(Figures.bytes(UInt64(999)) == "999 B")
        #expect(Figures.bytes(UInt64(1000)) == "1.0 kB")
        #expect(Figures.bytes(UInt64(999_960)) == "1.0 MB")
        #expect(Figures.bytes(.max) == "18446.7 PB")
        #expect(Figures.bytes(999.4) == "999 B" && Figures.bytes(999.6) == "1.0 kB")
        #expect(Figures.bytes(12.34) == "12.3 B" && Figures.bytes(-2500.0) == "-2.5 kB")
        #expect(Figures.duration(0.000_25) == "250 µs")
        #expect(Figures.duration(0.004) == "4.00 ms" && Figures.duration(0.25) == "250 ms")
        #expect(Figures.duration(1.5) == "1.50 s")
        #expect(Figures.duration(600) == "10.0 min")
        #expect(Figures.duration(86_400) == "24.0 h" && Figures.duration(604_800) == "7.0 d")
        #expect(Figures.duration(-1) == "0 µs")
    }

    @Test("counts have commas, small shares more digits, and no share is shown as nothing")
    func counts() {
        #expect(Figures.count(0) == "0" && Figures.count(999) == "999" && Figures.count(1000) == "1,000")
        #expect(Figures.count(.max) == "18,446,744,073,709,551,615")
        #expect(Figures.share(0.981) == "98.1 %" && Figures.share(1) == "100.0 %")
        #expect(
            Figures.share(0.0042) == "0.42 %" && Figures.share(0.000_001) == "< 0.01 %" && Figures.share(0) == "0 %")
        #expect(Figures.share(123.4) == "12,340 %")
        #expect(
            Figures.plain(12.50, places: 2) == "12.5" && Figures.plain(10, places: 2) == "10"
                && Figures.plain(100, places: 0) == "100")
    }

    @Test("money is to the cent, finer where cents would be nothing")
    func money() {
        #expect(Figures.money(12.345, "USD") == "USD 12.35")
        #expect(Figures.money(0.0123, "EUR") == "EUR 0.0123")
        #expect(Figures.money(0.000_01, "EUR") == "< EUR 0.0001")
        #expect(Figures.money(0, "EUR") == "EUR 0")
        #expect(Figures.money(1_234_567.8, "USD") == "USD 1,234,568")
        #expect(Figures.money(-1500, "USD") == "USD -1,500")
    }

    @Test("what is no number, or too large for one, is a dash")
    func hostile() {
        for value in [Double.nan, .infinity, -.infinity, 1e300] {
            #expect(Figures.decimal(value, places: 2) == "-")
        }
        for value in [Double.nan, .infinity, -.infinity] {
            #expect(Figures.bytes(value) == "-" && Figures.share(value) == "-" && Figures.money(value, "USD") == "-")
            for unit in [
                Unit.count, .bytes, .bytesPerSecond, .perSecond, .seconds, .share, .cores, .joules, .money("USD"),
                .time,
            ] {
                #expect(unit.text(value) == "-")
            }
        }
        #expect(Figures.decimal(1.5, places: 99) == "1.500000" && Figures.decimal(1.5, places: -1) == "2")
        #expect(Unit.time.text(1e300) == "-" && Unit.time.text(-1e11) == "-")
        #expect(Unit.time.text(1_795_680_000) == "2026-11-26 08:00")
    }
}
