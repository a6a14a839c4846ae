public import DoorbellAuth

/// How the public server listens, and its limits.
public struct ServerConfiguration: Sendable {
    /// The address to listen on. Default `127.0.0.1`.
    public var host: String
    /// 0 takes any free port; see ``Server/boundPort``. Default 8080.
    public var port: Int
    /// Connections that the kernel keeps waiting for us. Default 1024; the kernel's own limit counts too.
    public var backlog: Int32 = 1024
    /// Open connections. Beyond it a connection is answered 503 and closed at once. Never more than the process's descriptor limit less
    /// 256. `nil`: three quarters of that limit, because a proxied request needs a second descriptor. Default `nil`.
    public var maximumConnections: Int?
    /// Connections of one address, and which addresses are not counted. Default: 256 an address, this machine not counted.
    /// Beyond it a connection is answered 503 and closed at once.
    public var addressLimits = AddressLimitConfiguration()
    /// The certificate to show; `nil`: no TLS, and HTTP/1.1 only. With it, HTTP/2 is spoken with clients that ask for it.
    public var certificates: CertificateStore?
    /// Requests that one HTTP/2 connection may have open. Default 100.
    public var maximumStreams: Int = 100
    /// From a connection's begin to the end of its first request head, a TLS handshake included. Default 10 s.
    public var headerTimeout: Duration = .seconds(10)
    /// How long a connection may be open without a request. Default 75 s.
    public var idleTimeout: Duration = .seconds(75)
    /// How long a client may take between two parts of a request body or of reading an answer. Default 60 s.
    public var stallTimeout: Duration = .seconds(60)
    /// WebSockets of the legacy API that may pass through. Beyond it a handshake is answered 503. Never more than an eighth of the
    /// process's descriptor limit, because each takes two. Default 1000.
    public var maximumTunnels = 1000
    /// How long nothing may pass through one of them. Default 1 h.
    public var tunnelIdleTimeout: Duration = .seconds(3600)
    /// Bytes of one header line. Default 16 KiB; beyond it 431.
    public var maximumHeaderLine: Int = 16 << 10
    /// Bytes of all headers together. Default 64 KiB; beyond it 431.
    public var maximumHeaders: Int = 64 << 10
    /// Pages that may connect. Default: those of the host that they ask for.
    public var origins = OriginPolicy.sameHost
    /// How clients say who they are by a token. `nil`: they do not. Default `nil`.
    public var authentication: Authentication?
    /// Bounds of the tickets from `POST /_doorbell/ticket`. Default 30 s, and 10,000 of them, which with their credentials take
    /// 80 MiB at most.
    public var tickets: TicketConfiguration = {
        var tickets = TicketConfiguration()
        tickets.maximumTickets = 10_000
        return tickets
    }()
    /// Bytes of one client message. Default 64 KiB; beyond it close 1009.
    public var maximumMessageSize: Int = 64 << 10
    /// Whether clients that offer to (permessage-deflate, RFC 7692) get messages compressed. Default `false`: a compressed length tells
    /// something about what was compressed, so a secret should not stand in one message with text that others choose.
    public var compression = false
    /// Bytes that may wait for one client beyond what the kernel has taken. Beyond it the feature's slow policy decides.
    /// Default 256 KiB, some 500 typical messages.
    public var sendBudget: Int = 256 << 10
    /// The kernel's send buffer of an upgraded connection, in bytes. Small, because what lies there cannot be conflated or
    /// taken back. Default 64 KiB.
    public var kernelSendBuffer: Int = 64 << 10
    /// Bytes of a poll answer that is passed on as a snapshot; a longer one is left out and the client polls once itself.
    /// Default 1 MiB.
    public var maximumSnapshot: Int = 1 << 20
    /// How long the legacy API may take for a call over a socket, from the request to the end of the answer. Default 60 s; then error
    /// `upstream_unavailable`.
    public var requestTimeout: Duration = .seconds(60)
    public var session = SessionLimits()
    /// Where requests are written to when they are over. Default `nil`: nowhere.
    public var accessLog: AccessLog?
    /// How long capture may be down before everyone is sent back to polling with 4002. Default 3 s.
    public var captureGrace: Duration = .seconds(3)
    /// On shutdown: how long clients may take to say goodbye and requests to end. Default 10 s.
    public var drainTimeout: Duration = .seconds(10)
    /// On shutdown: clients are told to come back at a random moment within this. Default 5 s.
    public var reconnectSpread: Duration = .seconds(5)

    public init(host: String = "127.0.0.1", port: Int = 8080) {
        self.host = host
        self.port = port
    }

    /// For everything that is not a client's connection: the legacy API, the database, the admin port, files.
    private static let reservedDescriptors = 256

    /// How many client connections a process can have that may open `descriptors` files, tunnels at their most.
    package func possibleConnections(descriptors: Int) -> Int {
        max(1, descriptors - Self.reservedDescriptors - min(maximumTunnels, descriptors / 8))
    }
}
