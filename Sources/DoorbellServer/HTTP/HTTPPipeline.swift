import NIOCore
import NIOHTTP1

/// The HTTP handlers of one connection, so that an upgrade can take them away.
struct HTTPPipeline {
    let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    let encoder: HTTPResponseEncoder
    let pipelining: HTTPServerPipelineHandler
    /// `nil`: no answer is repeatable.
    let repeated: RepeatedRequestHandler?

    init(core: ServerCore, isTLS: Bool) {
        let configuration = core.configuration
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = configuration.maximumHeaderLine
        limits.maxHeaderListSize = configuration.maximumHeaders
        decoder = ByteToMessageHandler(
            HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits),
            // What a client may send ahead while an upgrade is being decided.
            maximumBufferSize: configuration.maximumHeaders + configuration.maximumMessageSize)
        // Framing is decided by the connection, which knows about HEAD and HTTP/1.0; the encoder does not.
        var encoding = HTTPResponseEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false
        encoder = HTTPResponseEncoder(configuration: encoding)
        pipelining = HTTPServerPipelineHandler()
        repeated = core.gateway.hasRepeatableAnswers ? RepeatedRequestHandler(core: core, isTLS: isTLS) : nil
    }

    /// - Parameter last: Placed behind the HTTP handlers.
    func install(in pipeline: ChannelPipeline.SynchronousOperations, last: HTTPConnectionHandler) throws {
        if let repeated {
            repeated.connection = last
            try pipeline.addHandler(repeated)
        }
        try pipeline.addHandler(decoder)
        try pipeline.addHandler(encoder)
        try pipeline.addHandler(pipelining)
        try pipeline.addHandler(last)
    }
}
