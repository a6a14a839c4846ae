import DoorbellTesting
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// What an unchanged poll costs where it is answered from memory: Doorbell, and nginx with a proxy cache and with a file, in turns on the
/// same core, with `wrk` on the other. And what an access log and parity add to one. Figures are ratios within a round.
struct Polls {
    private static let path = "/api/items/42"
    private static let file = "/static.json"
    private static let tag = #""v1""#
    private static let bodySize = 1024

    private enum Server: CaseIterable {
        case staticFile, proxyCache, doorbell
        /// Doorbell with something besides, or without.
        case accessLog, passing, parity

        /// Those that are compared with each other.
        static let peers: [Server] = [.staticFile, .proxyCache, .doorbell]

        var name: String {
            switch self {
            case .staticFile: "nginx, a file"
            case .proxyCache: "nginx, proxy cache"
            case .doorbell: "Doorbell"
            case .accessLog: "Doorbell, access log"
            case .passing: "Doorbell, passed on"
            case .parity: "Doorbell, passed on, parity"
            }
        }

        /// What this one costs more than; `nil`: it is not compared so.
        var base: Server? {
            switch self {
            case .accessLog: .doorbell
            case .parity: .passing
            case .staticFile, .proxyCache, .doorbell, .passing: nil
            }
        }
    }

    private let rounds: Int
    private let seconds: Int

    init(_ plan: BenchPlan) {
        rounds = plan.rounds
        seconds = plan.seconds
    }

    func measure(into report: inout Report) async throws {
        for (program, package) in [(Wrk.program, "wrk"), (FanOutPeers.nginx, "nginx")]
        where !FileManager.default.isExecutableFile(atPath: program) {
            throw BenchFailure("apt install \(package)")
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let body = #"{"items":""# + String(repeating: "x", count: Self.bodySize - 12) + #""}"#
        let stub = try await LegacyStub(
            group: group, body: body, headers: ["etag": Self.tag, "cache-control": "max-age=0"])
        let folder = try FanOutPeers.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body.write(toFile: folder + Self.file, atomically: false, encoding: .utf8)
        var samples: [Server: [Visit]] = [:]
        for round in 1...rounds {
            for server in Server.allCases {
                Report.progress("polls: \(server.name), round \(round) of \(rounds)")
                samples[server, default: []].append(try visit(server, folder: folder, stub: stub.port))
            }
        }
        stub.stop()
        try await group.shutdownGracefully()
        show(samples, in: &report)
        showAdded(samples, in: &report)
    }

    /// What one server did: with a body, and with 304.
    private struct Visit {
        let whole: Wrk.Result
        let unchanged: Wrk.Result
    }

    private func visit(_ server: Server, folder: String, stub: Int) throws -> Visit {
        let child: FanOutChild
        switch server {
        case .doorbell: child = try Self.doorbell(stub, [])
        case .accessLog: child = try Self.doorbell(stub, ["--access-log", folder + "/access.log"])
        case .passing: child = try Self.doorbell(stub, ["--polls-with", "passing"])
        case .parity: child = try Self.doorbell(stub, ["--polls-with", "parity"])
        case .staticFile, .proxyCache:
            child = try FanOutPeers.startNginx(in: folder) { Self.nginx(port: $0, stub: stub, folder: folder) }
        }
        defer { child.stop() }
        let numbers = try child.line(within: 20).split(separator: " ").compactMap { Int($0) }
        guard let port = numbers.first else { throw BenchFailure("\(server.name) did not start") }
        let usage = ProcessUsage(numbers.count > 1 ? Int32(numbers[1]) : child.processIdentifier)
        let url = "http://127.0.0.1:\(port)" + (server == .staticFile ? Self.file : Self.path)
        let wrk = Wrk(url: url, seconds: seconds, usage: usage)
        // nginx gives a file a tag of its own.
        let tag = server == .staticFile ? try Wrk.tag(of: url) : Self.tag
        _ = try wrk.run(for: 1)
        let whole = try wrk.run()
        return Visit(whole: whole, unchanged: try wrk.run(headers: ["If-None-Match: \(tag)"]))
    }

    private static func doorbell(_ stub: Int, _ arguments: [String]) throws -> FanOutChild {
        guard let own = Bundle.main.executableURL?.path else { throw BenchFailure("the bench has no path") }
        return try FanOutChild(own, ["--serve-polls", "\(stub)"] + arguments, core: FanOut.serverCore)
    }

    private func show(_ samples: [Server: [Visit]], in report: inout Report) {
        for (what, part) in [("\(Self.bodySize) bytes", \Visit.whole), ("304", \Visit.unchanged)] {
            var table = Table(
                "Unchanged polls, \(what), 100 connections (medians of \(rounds) rounds)",
                ["server", "polls/s", "× proxy cache", "× file", "CPU µs each", "p99 ms", "× proxy cache"])
            func ratio(_ server: Server, to other: Server, _ value: (Wrk.Result) -> Double) -> Double {
                let pairs = zip(samples[server] ?? [], samples[other] ?? [])
                return Sample(pairs.map { value($0[keyPath: part]) / value($1[keyPath: part]) }).median
            }
            for server in Server.peers {
                let results = (samples[server] ?? []).map { $0[keyPath: part] }
                let isOurs = server == .doorbell
                func figure(_ name: String, _ value: Double, _ target: Figure.Target) -> String {
                    let figure = Figure("polls", "\(server.name), \(what): \(name)", value, isOurs ? target : nil)
                    report.add(figure)
                    return figure.cell
                }
                table.add([
                    server.name, Table.number(Sample(results.map(\.rate)).median),
                    figure("× nginx's proxy cache", ratio(server, to: .proxyCache, \.rate), .atLeast(1)),
                    figure("× nginx's file", ratio(server, to: .staticFile, \.rate), .atLeast(what == "304" ? 0.7 : 0)),
                    Table.number(Sample(results.map(\.processor)).median),
                    Table.number(Sample(results.map(\.p99)).median),
                    figure("p99, × nginx's proxy cache", ratio(server, to: .proxyCache, \.p99), .atMost(1.5)),
                ])
            }
            report.show(table)
        }
    }

    private func showAdded(_ samples: [Server: [Visit]], in report: inout Report) {
        var table = Table(
            "What is added to a poll, \(Self.bodySize) bytes, 100 connections (medians of \(rounds) rounds)",
            ["server", "polls/s", "CPU µs each", "× without"])
        for server in [Server.doorbell, .accessLog, .passing, .parity] {
            let results = (samples[server] ?? []).map(\.whole)
            var cells = [
                server.name, Table.number(Sample(results.map(\.rate)).median),
                Table.number(Sample(results.map(\.processor)).median),
            ]
            if let base = server.base {
                let pairs = zip(results, samples[base] ?? [])
                let figure = Figure(
                    "polls", "\(server.name): CPU, × without",
                    Sample(pairs.map { $0.processor / $1.whole.processor }).median)
                report.add(figure)
                cells.append(figure.cell)
            } else {
                cells.append("")
            }
            table.add(cells)
        }
        report.show(table)
    }

    private static func nginx(port: Int, stub: Int, folder: String) -> String {
        """
        daemon off;
        worker_processes 1;
        pid nginx.pid;
        error_log stderr crit;
        events { worker_connections 1024; multi_accept on; }
        http {
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            keepalive_requests 100000000;
            open_file_cache max=100;
            types { application/json json; }
            proxy_cache_path cache levels=1:2 keys_zone=polls:10m;
            server {
                listen 127.0.0.1:\(port) backlog=1024;
                location / { root \(folder); }
                location /api/ {
                    proxy_pass http://127.0.0.1:\(stub);
                    proxy_cache polls;
                    proxy_cache_valid 200 1h;
                    proxy_cache_lock on;
                    proxy_ignore_headers Cache-Control;
                }
            }
        }
        """
    }
}
