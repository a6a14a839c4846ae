/// What the sessions of a server have in common: by reference, so that an idle connection pays a pointer for it.
final class SessionRules: Sendable {
    let catalog: FeatureCatalog
    let limits: SessionLimits

    init(catalog: FeatureCatalog, limits: SessionLimits) {
        self.catalog = catalog
        self.limits = limits
    }
}
