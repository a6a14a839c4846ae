import DoorbellCore
import DoorbellTesting
import Foundation
import Testing

@testable import DoorbellAssess

@Suite struct LogAssessorTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("doorbell-assess-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = folder.appendingPathComponent(name)
        try Data(bytes).write(to: file)
        return file.path
    }

    private func remove() { try? FileManager.default.removeItem(at: folder) }

    private func makeLines(_ duration: Double = 1800) -> [[UInt8]] {
        var mix = AccessLogGenerator.Mix()
        mix.pollers = 60
        mix.shared = 2
        mix.clickers = 20
        var lines: [[UInt8]] = []
        AccessLogGenerator(duration: duration, mix: mix).run { line, _ in lines.append(copy line) }
        return lines
    }

    /// What must not depend on how a log is cut into files.
    private func essence(_ assessment: Assessment) -> [String] {
        assessment.endpoints.map {
            let figures = $0.figures
            return
                "\(figures.method) \(figures.route) \(figures.requests) \(figures.pollers) \(figures.polls) \(figures.unchanged) \($0.verdict.rule)"
        }
    }

    @Test func `rotated logs, side by side logs and one log are the same`() throws {
        defer { remove() }
        let lines = makeLines()
        let whole = try LogAssessor().assess([try write("all.log", Array(lines.joined()))])
        #expect(whole.requests == lines.count)
        #expect(whole.endpoints.contains { $0.verdict.advice == .push })
        let half = lines.count / 2
        let rotated = try LogAssessor().assess([
            try write("access.log", Array(lines[half...].joined())),
            try write("access.log.1.gz", LogSourceTests.gzip(Array(lines[..<half].joined()))),
        ])
        #expect(essence(rotated) == essence(whole))
        #expect(rotated.files.map(\.name).map { $0.hasSuffix(".gz") } == [true, false], "the older one comes first")
        // Written by three servers at the same time: order within a second is not known, so figures are near, not equal.
        let servers = try LogAssessor().assess(
            (0..<3).map { server in
                try write(
                    "server\(server).log",
                    Array(lines.enumerated().filter { $0.offset % 3 == server }.map(\.element).joined()))
            })
        #expect(servers.requests == lines.count)
        for (one, other) in zip(servers.endpoints, whole.endpoints) where other.verdict.advice == .push {
            #expect(one.figures.route == other.figures.route)
            #expect(abs(one.figures.pollers - other.figures.pollers) <= 1 + other.figures.pollers / 10)
        }
    }

    @Test func `more logs at the same time than are open at once are all read`() throws {
        defer { remove() }
        let lines = makeLines(120)
        let count = LogReader.limit + 5
        let paths = try (0..<count).map { part in
            try write(
                "\(part).log", Array(lines.enumerated().filter { $0.offset % count == part }.map(\.element).joined()))
        }
        #expect(try LogAssessor().assess(paths).requests == lines.count)
    }

    @Test func `bad lines are counted and shown with their place`() throws {
        defer { remove() }
        var lines = makeLines(60)
        lines.insert(Array("this is no line \u{1B}[31m\n".utf8), at: 3)
        let assessment = try LogAssessor().assess([try write("a.log", Array(lines.joined()))])
        #expect(assessment.badLines == 1)
        #expect(assessment.badSamples.first?.line == 4)
        #expect(assessment.requests == lines.count - 1)
        let text = assessment.text()
        #expect(
            text.contains("a.log:4: not in this format: this is no line ·[31m"), "and nothing of it acts on a terminal")
    }

    @Test func `a log out of the order of time gets a note and no verdicts`() throws {
        defer { remove() }
        let lines = makeLines(600)
        let half = lines.count / 2
        var random = LogRandom(3)
        let orders = [lines.reversed(), Array(lines[half...] + lines[..<half]), lines.shuffled(using: &random)]
        for (index, order) in orders.enumerated() {
            let assessment = try LogAssessor().assess([try write("\(index).log", Array(order.joined()))])
            #expect(!assessment.isInOrder && assessment.endpoints.isEmpty)
            #expect(assessment.notes.contains { $0.hasPrefix("lines are not in order of time") })
            #expect(assessment.startingConfiguration == nil)
            let texts = [assessment.text(), assessment.json(), assessment.html()]
            #expect(texts.allSatisfy { $0.contains("lines are not in order of time") })
        }
        // A few lines are some 100 s late: long requests, dated by their begin.
        var late = lines
        for index in stride(from: 0, to: lines.count / 2, by: 400) {
            late.insert(late.remove(at: index), at: index + lines.count / 6)
        }
        #expect(try LogAssessor().assess([try write("late.log", Array(late.joined()))]).isInOrder)
    }

    @Test func `a line dated in the future is left out, and shown`() throws {
        defer { remove() }
        let lines = makeLines(600)
        let whole = try LogAssessor().assess([try write("right.log", Array(lines.joined()))])
        // A month ahead of the others.
        let stray =
            Array(
                #"192.0.2.9 - - [28/Jun/2026:00:00:00 +0000] "GET /api/odd HTTP/1.1" 200 9 "-" "x""#.utf8) + [0x0A]
        for place in [0, 1, lines.count / 2, lines.count] {
            var wrong = lines
            wrong.insert(stray, at: place)
            let assessment = try LogAssessor().assess([try write("wrong.log", Array(wrong.joined()))])
            #expect(assessment.isInOrder && essence(assessment) == essence(whole), "line \(place)")
            #expect(assessment.requests == lines.count && assessment.badLines == 1 && assessment.end == whole.end)
            for text in [assessment.text(), assessment.json(), assessment.html()] {
                #expect(text.contains("1 line is dated more than a day ahead of the others"), "line \(place)")
            }
        }
        // Nor does it hold up its log among others.
        let servers = try LogAssessor().assess(
            (0..<2).map { server in
                var half = lines.enumerated().filter { $0.offset % 2 == server }.map(\.element)
                if server == 0 { half.insert(stray, at: half.count / 3) }
                return try write("server\(server).log", Array(half.joined()))
            })
        #expect(servers.isInOrder && servers.requests == lines.count && servers.badLines == 1)
    }

    @Test func `a log in two formats is not guessed at, and its lines are not blamed`() throws {
        defer { remove() }
        let good = makeLines(60).prefix(34)
        let odd = (0..<66).map { Array("{\"odd\": \($0)}\n".utf8) }
        let path = try write("mixed.log", Array((good + odd).joined()))
        let error = #expect(throws: DoorbellError.self) { try LogAssessor().assess([path]) }
        #expect(error?.message.contains("34 of the first 100 lines are combined") == true, "\(error?.message ?? "")")
        #expect(error?.hint?.contains("--format combined") == true)
    }

    @Test func `a client that the found format does not tell is refused`() throws {
        defer { remove() }
        var assessor = LogAssessor()
        assessor.client = "foo"
        let path = try write("a.log", Array(makeLines(60).joined()))
        let error = #expect(throws: DoorbellError.self) { try assessor.assess([path]) }
        #expect(error?.message.contains("the format 'combined' cannot be used") == true, "\(error?.message ?? "")")
    }

    @Test func `a line that is longer than a block is shown with its place`() throws {
        defer { remove() }
        var lines = makeLines(60)
        let count = lines.count
        lines.insert([UInt8](repeating: 0x78, count: 10_000_000) + [0x0A], at: 3)
        let assessment = try LogAssessor().assess([try write("a.log", Array(lines.joined()))])
        #expect(assessment.requests == count && assessment.badLines == 1)
        #expect(assessment.badSamples.map(\.line) == [4] && assessment.badSamples.first?.reason == "longer than 64 KiB")
        #expect(assessment.text().contains("a.log:4: longer than 64 KiB: xxx"))
    }

    @Test func `what is no log is refused with a sentence`() throws {
        defer { remove() }
        func message(_ paths: [String], format: String? = nil) -> String {
            var assessor = LogAssessor()
            assessor.format = format.flatMap { try? LogFormat($0) }
            do throws(DoorbellError) {
                _ = try assessor.assess(paths)
                return "no error"
            } catch {
                return error.description
            }
        }
        #expect(message([folder.path + "/none"]).contains("none cannot be read: No such file or directory"))
        #expect(message([folder.path]).contains("is a directory"))
        #expect(message([try write("empty.log", [])]).contains("empty.log is empty"))
        #expect(
            message([try write("picture.png", [0x89, 0x50, 0, 0, 0x0A, 1, 2, 3])]).contains(
                "is not an access log: it has bytes that are no text"))
        #expect(
            message([try write("words.txt", Array("hello\nworld\n".utf8))]).contains(
                "is in no format that is known: its first line is 'hello'"))
        let log = try write("a.log", Array(makeLines(60).joined()))
        #expect(message([log], format: "json").contains("is not in the format 'json'"))
        let zipped = LogSourceTests.gzip(Array(makeLines(600).joined()))
        let half = try write("half.gz", Array(zipped.prefix(zipped.count / 2)))
        let assessment = try LogAssessor().assess([half])
        #expect(assessment.requests > 100)
        #expect(assessment.notes.contains { $0.contains("half.gz is not whole") })
    }

    @Test func `clients and URLs without end leave pollers in peace`() throws {
        var counter = LogCounter(capacity: 4096)
        var random = LogRandom(5)
        for second in 0..<600 {
            for poller in 0..<20 where second % 5 == poller % 5 {
                var entry = LogEntry()
                entry.time = 1_780_000_000_000 + Int64(second) * 1000
                entry.client = UInt64(poller)
                entry.url = 77
                entry.shape = 1
                entry.status = 200
                entry.method = .get
                counter.add(entry) { Array("/polled".utf8) }
            }
            for _ in 0..<500 {
                var entry = LogEntry()
                entry.time = 1_780_000_000_000 + Int64(second) * 1000
                entry.client = random.next()
                entry.url = random.next()
                entry.shape = 2
                entry.status = 200
                entry.method = .get
                counter.add(entry) { Array("/other".utf8) }
            }
        }
        counter.finish()
        let polled = try #require(counter.routes.all.first { $0.template == "/polled" })
        #expect(counter.routes.endpoints[polled.index].polling.pollers == 20)
        let other = try #require(counter.routes.all.first { $0.template == "/other" })
        #expect(counter.routes.endpoints[other.index].polling.pollers == 0)
        #expect(abs(counter.routes.endpoints[other.index].clients.estimate - 300_000) < 30_000)
    }

    @Test func `a line dated far away spoils nothing`() throws {
        defer { remove() }
        var lines = makeLines(60)
        let count = lines.count
        lines.insert(
            Array(#"192.0.2.7 - - [28/May/2099:20:26:40 +0200] "GET /a HTTP/1.1" 200 1 "-" "-""#.utf8) + [0x0A], at: 10)
        let assessment = try LogAssessor().assess([try write("a.log", Array(lines.joined()))])
        #expect(assessment.requests == count)
        #expect(assessment.badLines == 1)
        #expect(assessment.duration <= 60)
    }
}
