/// The files of the dashboard, within the binary: `Files`, as they are.
public enum DashboardFiles {
    public struct File: Sendable {
        public let bytes: [UInt8]
        public let contentType: String
        /// Quoted, as in a header. Another one for every other content.
        public let entityTag: String

        fileprivate init(_ bytes: [UInt8], _ contentType: String) {
            self.bytes = bytes
            self.contentType = contentType
            // FNV-1a: nobody but us chooses the content.
            let hash = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
            entityTag = "\"" + String(hash, radix: 16) + "\""
        }
    }

    /// By name; the first page is `index.html`.
    private static let page = "text/html; charset=utf-8"
    private static let script = "text/javascript; charset=utf-8"
    private static let style = "text/css; charset=utf-8"
    private static let image = "image/svg+xml"

    /// By name; the first page is `index.html`.
    public static let all: [String: File] = [
        "api.js": File(PackageResources.api_js, script),
        "app.js": File(PackageResources.app_js, script),
        "audit.js": File(PackageResources.audit_js, script),
        "chart.js": File(PackageResources.chart_js, script),
        "connections.js": File(PackageResources.connections_js, script),
        "dom.js": File(PackageResources.dom_js, script),
        "feature.js": File(PackageResources.feature_js, script),
        "features.js": File(PackageResources.features_js, script),
        "figures.js": File(PackageResources.figures_js, script),
        "format.js": File(PackageResources.format_js, script),
        "icon.svg": File(PackageResources.icon_svg, image),
        "index.html": File(PackageResources.index_html, page),
        "overview.js": File(PackageResources.overview_js, script),
        "stage.js": File(PackageResources.stage_js, script),
        "store.js": File(PackageResources.store_js, script),
        "style.css": File(PackageResources.style_css, style),
        "table.js": File(PackageResources.table_js, script),
        "tail.js": File(PackageResources.tail_js, script),
        "token.js": File(PackageResources.token_js, script),
    ]
}
