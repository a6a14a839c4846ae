import Doorbell
import DoorbellCore
import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Reads from the admin port of a running service.
struct AdminClient {
    let address: ListenAddress
    let token: AdminToken?

    init(_ configuration: Configuration) {
        address = configuration.admin.reachable
        token = configuration.adminToken
    }

    /// - Throws: ``DoorbellError`` with code `service`.
    func get(_ path: String) async throws -> String {
        guard let url = URL(string: "http://\(address)\(path)") else {
            throw DoorbellError(.service, "'\(address)' is not an address that can be asked")
        }
        var request = URLRequest(url: url, timeoutInterval: 10)
        if let token { request.setValue(token.authorization, forHTTPHeaderField: "Authorization") }
        let data: Data
        let response: URLResponse
        do {
            (data, response) = try await URLSession.shared.data(for: request)
        } catch {
            throw DoorbellError(
                .service, "cannot reach the admin port of the service at \(address)",
                hint: "Is 'doorbell serve' running with this configuration?")
        }
        guard let status = (response as? HTTPURLResponse)?.statusCode, status == 200 else {
            if let failure = try? JSONDecoder().decode(Failure.self, from: data) {
                throw DoorbellError(
                    .service, "the admin port at \(address) refuses: \(failure.error.message)",
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
