import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Fetches key sets with AsyncHTTPClient.
struct HTTPKeySetFetcher: KeySetFetcher {
    let client: HTTPClient

    func fetch(_ url: String, timeout: Duration, limit: Int) async throws(KeyError) -> KeySetAnswer {
        do {
            var request = HTTPClientRequest(url: url)
            request.headers.add(name: "accept", value: "application/jwk-set+json, application/json")
            let answer = try await client.execute(request, timeout: TimeAmount(timeout))
            // A redirect could lead from https to anywhere.
            guard answer.history.count <= 1 else { throw KeyError("the issuer redirects: configure the last URL") }
            guard answer.status == .ok else {
                throw KeyError("the issuer answered \(answer.status.code) instead of a key set")
            }
            let body = try await answer.body.collect(upTo: limit)
            return KeySetAnswer(
                body: Array(body.readableBytesView), cacheControl: answer.headers["cache-control"])
        } catch let error as KeyError {
            throw error
        } catch is NIOTooManyBytesError {
            throw KeyError("the issuer's answer is longer than \(limit) bytes")
        } catch let error as HTTPClientError {
            throw KeyError("the issuer cannot be reached: \(error.shortDescription)")
        } catch {
            // Others print addresses and errno, nothing that was sent.
            throw KeyError("the issuer cannot be reached: \(error)")
        }
    }
}
