import DoorbellAuth
public import DoorbellCore
public import DoorbellRollout
public import NIOHTTP1

extension RolloutBoard {
    /// Whether who sends this is told to use push, if it can be had at all.
    ///
    /// - Parameter headers: Those of the request; of a stream, those that the legacy API is asked with in its name.
    public func usesPush(_ feature: Feature, headers: HTTPHeaders, from origin: RequestOrigin) -> Bool {
        usesPush(feature) { CohortMember(of: feature.cohort, headers: headers, address: origin.address) }
    }
}

extension PollerLedger.Key {
    /// Who sends this, to `feature`.
    public init(_ feature: Feature, headers: HTTPHeaders, from origin: RequestOrigin) {
        let member = CohortMember(of: feature.cohort, headers: headers, address: origin.address)
        self.init(feature: feature.name, identity: Cohort.identity(of: member))
    }
}
