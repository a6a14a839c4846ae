import DoorbellCore
import Testing

@Suite struct SpellingTests {
    @Test(
        "whole numbers have one spelling",
        arguments: ["0", "7", "-7", "9223372036854775807", "120"])
    func integers(_ text: String) { #expect(Spelling.integer.isKept(by: text)) }

    @Test(
        "other spellings of whole numbers are none",
        arguments: ["", "-", "07", "00", "-0", "-07", "+7", " 7", "7 ", "7.0", "1e3", "٧", "0x7", "7\u{0}"])
    func otherIntegers(_ text: String) { #expect(!Spelling.integer.isKept(by: text)) }

    @Test("UUIDs are written in small letters, with four dashes")
    func uuids() {
        let kept = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
        #expect(Spelling.uuid.isKept(by: kept))
        for other in [
            kept.uppercased(), "{\(kept)}", kept.filter { $0 != "-" }, String(kept.dropLast()), kept + "0", "",
            "a0eebc99-9c0b-4ef8-bb6d_6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g",
        ] { #expect(!Spelling.uuid.isKept(by: other), "\(other)") }
    }
}
