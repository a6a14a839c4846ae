import NIOCore
import NIOHTTP1

/// Answers one client's requests, one after the other.
final class LegacyHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let pool: LegacyPool
    private let hasEntityTags: Bool
    private var head: HTTPRequestHead?

    init(pool: LegacyPool, hasEntityTags: Bool) {
        self.pool = pool
        self.hasEntityTags = hasEntityTags
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            answer(head, context)
        }
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        do throws(LegacyRequest.Refusal) {
            let request = try LegacyRequest(head)
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            pool.rows(of: request.user, on: context.eventLoop).whenComplete { result in
                let (handler, context) = bound.value
                handler.answer(request, try? result.get(), context)
            }
        } catch {
            write(error.status, [], tag: nil, context)
        }
    }

    private func answer(_ request: LegacyRequest, _ body: [UInt8]?, _ context: ChannelHandlerContext) {
        guard let body else { return write(.serviceUnavailable, [], tag: nil, context) }
        let tag = hasEntityTags ? LegacyRequest.entityTag(of: body) : nil
        if let tag, request.ifNoneMatch == tag { return write(.notModified, [], tag: tag, context) }
        write(.ok, body, tag: tag, context)
    }

    private func write(
        _ status: HTTPResponseStatus, _ body: [UInt8], tag: String?, _ context: ChannelHandlerContext
    ) {
        var headers: HTTPHeaders = [:]
        if status != .notModified {
            headers.add(name: "Content-Type", value: "application/json")
            headers.add(name: "Content-Length", value: String(body.count))
        }
        if let tag { headers.add(name: "ETag", value: tag) }
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
        if !body.isEmpty {
            context.write(
                wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
