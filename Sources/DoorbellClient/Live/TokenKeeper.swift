import NIOCore

/// The token of a client: asked for when it is first needed, kept until it is refused. Lives on its event loop.
final class TokenKeeper {
    typealias Source = @Sendable () async throws -> String
    typealias Waiter = (Result<String?, any Error>) -> Void

    private let source: Source?
    private let loop: any EventLoop
    private var token: String?
    /// Those who wait for the answer of the source, by numbers.
    private var waiters: [Int: Waiter] = [:]
    private var last = 0
    private var isAsking = false

    init(source: Source?, loop: any EventLoop) {
        self.source = source
        self.loop = loop
    }

    var hasSource: Bool { source != nil }

    /// Gives the token, or `nil` when there is no source, at once or later.
    ///
    /// - Returns: A number for ``forget(_:)``.
    @discardableResult
    func get(_ then: @escaping Waiter) -> Int? {
        guard let source else {
            then(.success(nil))
            return nil
        }
        if let token {
            then(.success(token))
            return nil
        }
        last += 1
        waiters[last] = then
        let number = last
        if isAsking { return number }
        isAsking = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        Task {
            let result: Result<String, any Error>
            do { result = .success(try await source()) } catch { result = .failure(error) }
            loop.execute { bound.value.asked(result) }
        }
        return number
    }

    private func asked(_ result: Result<String, any Error>) {
        isAsking = false
        token = try? result.get()
        let waiting = waiters.sorted { $0.key < $1.key }
        waiters = [:]
        for (_, waiter) in waiting { waiter(result.map { $0 }) }
    }

    /// Whoever waits no longer is not to be kept.
    func forget(_ number: Int) { waiters[number] = nil }

    /// This token was refused, or ends soon: the next one who needs one gets another.
    func discard(_ refused: String?) { if refused == token { token = nil } }
    func discard() { token = nil }
}
