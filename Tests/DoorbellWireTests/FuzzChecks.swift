import DoorbellCore

@testable import DoorbellWire

/// What must hold for any bytes that a peer may send. Run by `make fuzz` with bytes that a fuzzer makes up, and by every test
/// run with those in `Tests/Fixtures/fuzz`.
enum FuzzChecks: String, CaseIterable, Sendable {
    /// Frames, in any role, fed in any pieces. The first two bytes choose which.
    case frames
    /// A client's message, and what is answered to it.
    case messages
    /// A compressed message. The first byte chooses the limit and the window.
    case inflate
    /// A `Sec-WebSocket-Extensions` field.
    case extensions

    /// - Returns: What does not hold, as a sentence; `nil`: all is well.
    func check(_ input: [UInt8]) -> String? {
        switch self {
        case .frames: Self.frames(input)
        case .messages: Self.messages(input)
        case .inflate: Self.inflate(input)
        case .extensions: Self.extensions(input)
        }
    }

    // MARK: Frames

    private struct Outcome: Equatable {
        var events: [WebSocketFrameParser.Event] = []
        var failure: WebSocketError?
    }

    private static func frames(_ input: [UInt8]) -> String? {
        guard input.count > 2 else { return nil }
        let (options, seed) = (input[0], input[1])
        let limit = [16, 300, 5000, 1 << 17][Int(options >> 2 & 3)]
        let stream = Array(input[2...])
        let read = { (sizes: (inout UInt32) -> Int) -> Outcome in
            var parser = WebSocketFrameParser(
                role: options & 1 == 0 ? .server : .client, maximumMessageSize: limit,
                allowsCompression: options & 2 != 0)
            var outcome = Outcome()
            var state = UInt32(seed) &+ 1
            var rest = stream[...]
            do throws(WebSocketError) {
                while !rest.isEmpty {
                    let piece = rest.prefix(max(1, sizes(&state)))
                    rest = rest.dropFirst(piece.count)
                    parser.append(Array(piece))
                    while let event = try parser.next() { outcome.events.append(event) }
                }
            } catch {
                outcome.failure = error
            }
            return outcome
        }
        let whole = read { _ in .max }
        guard read({ _ in 1 }) == whole else { return "fed byte by byte, other events come out" }
        let random = read { state in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Int(state >> 24) % 40
        }
        guard random == whole else { return "fed in other pieces, other events come out" }
        for event in whole.events {
            switch event {
            case .text(let text):
                guard text.count <= limit else { return "a message is above the limit" }
                guard String(validating: text, as: UTF8.self) != nil else { return "a text is not UTF-8" }
            case .binary(let data):
                guard data.count <= limit else { return "a message is above the limit" }
            case .ping(let data), .pong(let data):
                guard data.count <= 125 else { return "a control frame is above 125 bytes" }
            case .close(let code, let reason):
                guard reason.utf8.count <= 123, code != 1005, code != 1006 else { return "a close that may not be" }
            }
        }
        return nil
    }

    // MARK: Messages

    private static func messages(_ input: [UInt8]) -> String? {
        var replies: [ServerMessage] = []
        do throws(WireError) {
            let message = try ClientMessageDecoder.decode(input)
            // What is ignored may be nested as deeply as the scanner goes.
            guard isJSON(input) || JSONText.depth(input) > JSONScanner.maximumDepth else {
                return "a message was read that is not JSON"
            }
            if let id = message.id, !isJSON(Array(id.utf8)) { return "an id is not JSON" }
            replies.append(.pong(id: message.id))
            switch message {
            case .publish(let channel, let data, let id):
                guard isJSON(data) else { return "published data is not JSON" }
                guard let name = ChannelName(channel) else { break }
                replies.append(.published(channel: name, id: id))
            case .request(let request):
                let isSafe = { (text: String) in !text.utf8.contains { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F } }
                guard isSafe(request.method), isSafe(request.path), !request.path.contains(" "),
                    request.headers.allSatisfy({ isSafe($0.name) && isSafe($0.value) && !$0.name.contains(":") })
                else { return "a request could end a line of HTTP" }
                if case .json(let body) = request.body, !isJSON(body) { return "a body is not JSON" }
                if let response = ServerMessage.Response(
                    id: request.id, status: 200, headers: request.headers, answer: input)
                {
                    replies.append(.response(response))
                }
            case .subscribe, .unsubscribe, .ack, .auth, .refresh, .presence, .drift, .ping, .unknown: break
            }
        } catch {
            replies.append(error.reply)
        }
        var batch = MessageBatch(maximumLength: .max)
        for reply in replies + replies {
            guard batch.append(reply.encoded()) else { return "a batch has no room" }
        }
        guard let batch = batch.finish(), isJSON(Array(batch.payload)) else { return "a batch is not JSON" }
        for reply in replies {
            let encoded = reply.encoded()
            guard isJSON(Array(encoded.payload)) else { return "'\(reply.type)' is not JSON" }
            var parser = WebSocketFrameParser(role: .client, maximumMessageSize: 1 << 24)
            parser.append(encoded.frame)
            guard (try? parser.next()) == .text(Array(encoded.payload)) else { return "'\(reply.type)' is no frame" }
            let lines = EventStreamReader(ServerSentEvent.encode(encoded, id: nil))
            guard lines.events.count == 1, lines.strays == 0 else { return "'\(reply.type)' is not one event" }
        }
        return nil
    }

    private static func isJSON(_ bytes: [UInt8]) -> Bool { JSONText.isValid(bytes) }

    // MARK: Compression

    private static func inflate(_ input: [UInt8]) -> String? {
        guard let options = input.first else { return nil }
        let limit = [0, 100, 20_000, 1 << 20][Int(options & 3)]
        let windowBits = 9 + Int(options >> 2 & 7) % 7
        guard let output = try? MessageInflater.inflate(Array(input[1...]), limit: limit, windowBits: windowBits) else {
            return nil
        }
        guard output.count <= limit else { return "the output is above the limit" }
        for window in [PerMessageDeflate.Window.usual, .small] {
            guard let again = DeflateStream(windowBits: window.bits, level: 1)?.deflate(output[...]) else { continue }
            guard (try? MessageInflater.inflate(again, limit: limit, windowBits: window.bits)) == output else {
                return "what was compressed cannot be read back"
            }
        }
        return nil
    }

    // MARK: Handshake

    private static func extensions(_ input: [UInt8]) -> String? {
        guard let offers = WebSocketExtension.parse([String(decoding: input, as: UTF8.self)]) else { return nil }
        guard offers.count <= WebSocketExtension.maximumExtensions else { return "too many extensions" }
        let written = offers.map { offer in
            ([offer.name] + offer.parameters.map { $0.name + ($0.value.map { "=\($0)" } ?? "") }).joined(separator: ";")
        }
        guard WebSocketExtension.parse(written) == offers else { return "written and read again, it is another offer" }
        guard let agreement = PerMessageDeflate.accept(offers) else { return nil }
        return WebSocketExtension.parse([agreement.headerValue])?.count == 1 ? nil : "the answer is not one extension"
    }
}
