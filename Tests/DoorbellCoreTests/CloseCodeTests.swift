import DoorbellCore
import Testing

@Suite struct CloseCodeTests {
    @Test("the number says whether to come back")
    func reconnecting() {
        for number in [1001, 1006, 1012, 1013, 4000, 4001, 4002, 4499] as [UInt16] {
            #expect(CloseCode(number: number, reason: "").mayReconnect, "\(number)")
        }
        for number in [1000, 1002, 1003, 1007, 1008, 1009, 1011, 3999, 4500, 4503, 4999, 5000] as [UInt16] {
            #expect(!CloseCode(number: number, reason: "").mayReconnect, "\(number)")
        }
    }

    @Test("reasons fit a close frame: 123 bytes")
    func length() {
        let codes: [CloseCode] = [
            .normal, .goingAway, .protocolError, .unsupportedData, .invalidData, .messageTooBig, .serviceRestart,
            .tryAgainLater,
            .slowConsumer, .heartbeatMissed, .captureUnsure, .notAllowed, .limit, .rolledBack,
        ]
        #expect(codes.allSatisfy { $0.reason.utf8.count <= 123 })
        #expect(Set(codes.map(\.number)).count == codes.count)
    }
}
