import DoorbellCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// One thread outside the cooperative pool: capture waits in `poll()`, and a sink may make it wait.
enum CaptureThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// - Returns: `false` when the system has no thread left; `body` will not run then.
    static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        #if canImport(Darwin)
        var thread: pthread_t?
        #else
        var thread = pthread_t()
        #endif
        let box = Unmanaged.passRetained(Body(body))
        let status = pthread_create(&thread, nil, CaptureThread.enter, box.toOpaque())
        if status != 0 { box.release() }
        #if canImport(Darwin)
        if status == 0, let thread { pthread_detach(thread) }
        #else
        if status == 0 { pthread_detach(thread) }
        #endif
        return status == 0
    }

    /// Runs `body` on a thread of its own and waits for it without holding up another.
    static func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws(DoorbellError) -> Result
    ) async throws(DoorbellError) -> Result {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Swift.Result<Result, DoorbellError>, Never>) in
            let started = start {
                do throws(DoorbellError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !started {
                continuation.resume(returning: .failure(DoorbellError(.system, "the system has no thread left")))
            }
        }
        return try result.get()
    }

    #if canImport(Darwin)
    private static let enter: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { argument in
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
    }
    #else
    private static let enter: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
    }
    #endif
}
