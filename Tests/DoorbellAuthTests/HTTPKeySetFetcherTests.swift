import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import DoorbellAuth

@Suite struct HTTPKeySetFetcherTests {
    /// Answers every path as its name says.
    private final class Issuer: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private var path = ""

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): path = head.uri
            case .body: break
            case .end:
                // A hung issuer never answers.
                if path == "/hangs" { return }
                var headers: HTTPHeaders = ["cache-control": "max-age=77"]
                if path == "/moved" { headers.add(name: "location", value: "/keys") }
                let status: HTTPResponseStatus =
                    path == "/moved" ? .found : path == "/keys" || path == "/long" ? .ok : .notFound
                let body = path == "/long" ? String(repeating: "x", count: 5000) : #"{"keys":[]}"#
                headers.add(name: "content-length", value: "\(body.utf8.count)")
                context.write(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
                    promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }

    @Test("a key set is fetched with its age; other answers, redirects, long bodies and silence are errors")
    func fetch() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Issuer())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = HTTPClient(eventLoopGroupProvider: .shared(group))
        let fetcher = HTTPKeySetFetcher(client: client)
        let base = "http://127.0.0.1:\(server.localAddress?.port ?? 0)"
        func failure(_ path: String, timeout: Duration = .seconds(30)) async -> String? {
            do throws(KeyError) {
                _ = try await fetcher.fetch(base + path, timeout: timeout, limit: 4096)
                return nil
            } catch {
                return error.description
            }
        }
        let answer = try await fetcher.fetch(base + "/keys", timeout: .seconds(30), limit: 4096)
        #expect(String(decoding: answer.body, as: UTF8.self) == #"{"keys":[]}"#)
        #expect(CacheControl.age(answer.cacheControl) == .seconds(77))
        #expect(await failure("/none") == "the issuer answered 404 instead of a key set")
        #expect(await failure("/moved") == "the issuer redirects: configure the last URL")
        #expect(await failure("/long") == "the issuer's answer is longer than 4096 bytes")
        #expect(await failure("/hangs", timeout: .milliseconds(100))?.hasPrefix("the issuer cannot be reached") == true)
        try await server.close()
        // The client tries again and again until the time is over.
        #expect(await failure("/keys", timeout: .milliseconds(300))?.hasPrefix("the issuer cannot be reached") == true)
        try await client.shutdown()
    }
}
