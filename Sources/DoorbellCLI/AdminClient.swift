import AsyncHTTPClient
import Doorbell
import DoorbellCore
import Foundation
import NIOCore
import NIOHTTP1

/// Reads from the admin port of a running service.
struct AdminClient {
    let address: ListenAddress
    let token: AdminToken?

    init(_ configuration: Configuration) {
        address = configuration.admin.reachable
        token = configuration.adminToken
    }

    /// A week of a thousand features, with every point.
    private static let largestAnswer = 256 << 20

    /// - Parameter seconds: How long the whole answer may take.
    /// - Throws: ``DoorbellError`` with code `service`, or `permission` without the right token.
    func get(_ path: String, within seconds: Int64 = 10) async throws -> String {
        var request = HTTPClientRequest(url: "http://\(address)\(path)")
        if let token { request.headers.add(name: "Authorization", value: token.authorization) }
        let asked = request
        var settings = HTTPClient.Configuration()
        // Where nobody listens it is said at once.
        settings.connectionPool.retryConnectionEstablishment = false
        let status: UInt
        let data: Data
        do {
            (status, data) = try await HTTPClient.withHTTPClient(configuration: settings) { client in
                let response = try await client.execute(asked, timeout: .seconds(seconds))
                let body = try await response.body.collect(upTo: Self.largestAnswer)
                return (response.status.code, Data(body.readableBytesView))
            }
        } catch let error as HTTPClientError where error == .deadlineExceeded {
            throw DoorbellError(
                .service, "the admin port of the service at \(address) does not answer within \(seconds) s",
                hint: "It may be busy: try again, or ask for less.")
        } catch {
            throw DoorbellError(
                .service, "cannot reach the admin port of the service at \(address)",
                hint: "Is 'doorbell serve' running with this configuration?")
        }
        guard status == 200 else {
            if let failure = try? JSONDecoder().decode(Failure.self, from: data) {
                throw DoorbellError(
                    status == 401 ? .permission : .service,
                    "the admin port at \(address) refuses: \(failure.error.message)",
                    hint: failure.error.hint)
            }
            throw DoorbellError(.service, "the admin port at \(address) does not answer like Doorbell's")
        }
        return String(decoding: data, as: UTF8.self)
    }

    private struct Failure: Decodable {
        struct Reason: Decodable {
            let message: String
            let hint: String?
        }

        let error: Reason
    }
}
