import DoorbellWire

/// Calls to the legacy API over the socket: `request`, answered by `response`.
extension Session {
    mutating func call(_ request: ClientMessage.Request) -> [Action] {
        func refuse(_ code: ServerMessage.ErrorCode, _ message: String) -> [Action] {
            [.send(.error(code, message: message, id: request.id, channel: nil))]
        }
        guard limits.openRequests > 0 else {
            return refuse(.notSupported, "this server takes no requests over the socket")
        }
        if isAwaitingToken { return refuse(.notAllowed, "a token is needed") }
        if let problem = CallCheck.problem(of: request, allowing: limits.requestHeaders) {
            return refuse(.badRequest, problem)
        }
        if openCalls.contains(request.id) {
            return refuse(.badRequest, "a request with this id is open")
        }
        guard openCalls.count < limits.openRequests else {
            return refuse(.limit, "at most \(limits.openRequests) requests at a time may be open")
        }
        openCalls.insert(request.id)
        return [.call(request)]
    }

    /// The call that the client named `id` is over.
    mutating func called(_ id: String, _ outcome: CallOutcome) -> [Action] {
        guard openCalls.remove(id) != nil else { return [] }
        func fail(_ code: ServerMessage.ErrorCode, _ message: String) -> [Action] {
            [.send(.error(code, message: message, id: id, channel: nil))]
        }
        switch outcome {
        case .answered(let response): return [.send(.response(response))]
        case .tooLong:
            return fail(.limit, "the answer is longer than \(ServerMessage.Response.maximumBodyLength) bytes")
        case .unread: return fail(.limit, "too many answers wait for this client to read")
        case .refused(let reason): return fail(.badRequest, reason)
        case .failed(let reason): return fail(.upstreamUnavailable, reason)
        }
    }
}
