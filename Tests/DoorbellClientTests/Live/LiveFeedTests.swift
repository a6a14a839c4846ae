import DoorbellCore
import Testing

@testable import DoorbellClient

/// What programs see of a feed: iterations, their ends, and answers that are none.
@Suite(.timeLimit(.minutes(1))) struct LiveFeedTests {
    private func change(_ number: Int64) -> FeedMessage { FeedMessage(["op": "insert", "data": .integer(number)]) }

    @Test("whoever is slow gets the newest state, and each change")
    func slow() async throws {
        let sink = FeedSink()
        var (states, changes) = (sink.states().makeAsyncIterator(), sink.changes().makeAsyncIterator())
        for number in 1...10 as ClosedRange<Int64> {
            sink.tell(.state(.integer(number)))
            sink.tell(.change(change(number)))
        }
        #expect(try await states.next() == 10)
        for number in 1...10 as ClosedRange<Int64> { #expect(try await changes.next() == change(number)) }
        var late = sink.states().makeAsyncIterator()
        #expect(try await late.next() == 10)
        sink.tell(.end)
        #expect(try await states.next() == nil)
        #expect(try await changes.next() == nil)
        var none = sink.changes().makeAsyncIterator()
        #expect(try await none.next() == nil)
    }

    @Test("an iteration of changes that is too slow ends with an error, after what had waited")
    func tooSlow() async throws {
        let sink = FeedSink()
        var changes = sink.changes().makeAsyncIterator()
        for number in 0...Int64(FeedSink.maximumWaiting) { sink.tell(.change(change(number))) }
        for number in 0..<Int64(FeedSink.maximumWaiting) { #expect(try await changes.next() == change(number)) }
        do {
            _ = try await changes.next()
            Issue.record("it went on")
        } catch {
            #expect(error as? FeedError == .tooSlow(limit: FeedSink.maximumWaiting))
        }
    }

    @Test("a status is told once, also the one that a feed begins with") func statusOnce() async throws {
        let sink = FeedSink()
        var statuses = sink.statuses().makeAsyncIterator()
        sink.tell(.status(sink.status))
        sink.tell(.status(FeedStatus(transport: .push, reason: "push")))
        #expect(try await statuses.next()?.reason == "starting")
        #expect(try await statuses.next()?.reason == "push")
        sink.release()
    }

    @Test("a feed ends with its last iteration, or when nobody holds it and nobody iterates")
    func ends() async throws {
        let sink = FeedSink()
        let closed = Locked(0)
        sink.onClose { closed.withLock { $0 += 1 } }
        sink.tell(.state(1))
        let other = Task { for try await _ in sink.changes() {} }
        var statuses = sink.statuses().makeAsyncIterator()
        #expect(try await statuses.next() == sink.status)
        for try await state in sink.states() {
            #expect(state == 1)
            break
        }
        #expect(closed.withLock { $0 } == 0)
        other.cancel()
        _ = await other.result
        statuses = FeedSink().statuses().makeAsyncIterator()
        #expect(closed.withLock { $0 } == 1)

        let idle = FeedSink()
        idle.onClose { closed.withLock { $0 += 1 } }
        idle.release()
        #expect(closed.withLock { $0 } == 2)
    }

    @Test(
        "what is no URL to poll is said",
        arguments: ["", "x", "ftp://a/", "ws://a/", "http://", "http://a b/", "/api/things"])
    func invalid(url: String) async throws {
        let feed = LiveFeed(url)
        await #expect(throws: FeedError.invalidURL(url)) { for try await _ in feed.states {} }
        #expect(feed.status.reason.contains("is not an http or https URL"))
        await feed.refresh()
        feed.close()
    }

    private func answer(_ body: String, _ more: String = "") -> String {
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\(more)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test("a feed polls, says what it cannot read, and is closed by leaving the loop")
    func polls() async throws {
        let answers = [
            answer("{"), "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "nonsense\r\n\r\n",
            answer(#"{"n":1}"#),
        ]
        let next = Locked(0)
        try await ScriptedServer.run { _, peer in
            while true {
                _ = try await peer.request()
                let number = next.withLock { next in
                    defer { next += 1 }
                    return next
                }
                try await peer.write(answers[min(number, answers.count - 1)])
            }
        } while: { server in
            let feed = LiveFeed("http://127.0.0.1:\(server.port)/things", interval: .milliseconds(50))
            let statuses = feed.statuses
            let reasons = Task {
                var reasons: [String] = []
                for try await status in statuses { reasons.append(status.reason) }
                return reasons
            }
            for try await state in feed.states {
                #expect(state == ["n": 1])
                break
            }
            feed.close()
            let said = try await reasons.value
            #expect(said.contains("poll failed: no JSON") && said.contains("poll failed: HTTP 503"))
            #expect(feed.status.reason == "closed" && feed.state == ["n": 1])
        }
    }
}
