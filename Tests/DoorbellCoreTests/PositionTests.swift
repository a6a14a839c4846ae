import DoorbellCore
import Testing

@Suite struct PositionTests {
    @Test(
        "the wire form is read back",
        arguments: [
            Position(epoch: 0, tick: 0, seq: 0), Position(epoch: 7, tick: 1042, seq: 88301),
            Position(epoch: UInt64(Int64.max), tick: UInt64(Int64.max), seq: UInt64(Int64.max)),
        ])
    func roundTrip(_ position: Position) {
        #expect(Position(position.description) == position)
        #expect(Position(position.description[...]) == position)
    }

    @Test(
        "anything but three decimal numbers is refused",
        arguments: [
            "", "1", "1.2", "1.2-", "1.-3", ".2-3", "1-2.3", "1.2-3-4", "1.2.3-4", "+1.2-3", "1.-2-3", "1.2-3 ",
            " 1.2-3", "1.2-0x3",
            "1.2-١", "9223372036854775808.1-1", "1.2-18446744073709551615", "1.2-3\n", "latest", "1.2−3",
            String(repeating: "0", count: 60) + "1.2-3",
        ])
    func refused(_ text: String) {
        #expect(Position(text) == nil)
    }

    @Test("order is by epoch, then tick, then row, as numbers and not as text")
    func order() {
        let sorted = [
            Position(epoch: 1, tick: 2, seq: 10), Position(epoch: 1, tick: 10, seq: 2),
            Position(epoch: 2, tick: 1, seq: 0),
            Position(epoch: 10, tick: 0, seq: 0),
        ]
        #expect(sorted.reversed().sorted() == sorted)
        #expect(Position(epoch: 1, tick: 2, seq: 3) == Position("1.2-3"))
    }
}
