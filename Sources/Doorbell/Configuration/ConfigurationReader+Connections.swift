import DoorbellAuth
import DoorbellCore

/// `tls`, and addresses in `limits`.
extension ConfigurationReader {
    func certificate(_ section: ConfigurationSection) -> CertificateConfiguration? {
        let chain = section.required("certificate", "/etc/doorbell/certificate.pem")
        let key = section.required("key", "/etc/doorbell/key.pem")
        var tls = CertificateConfiguration(chainFile: beside(chain ?? ""), keyFile: beside(key ?? ""))
        tls.minimumVersion = section.choice("minimumVersion", default: tls.minimumVersion)
        tls.checkInterval = section.duration(
            "checkInterval", default: tls.checkInterval, .seconds(1) ... .seconds(3600))
        return chain == nil || key == nil ? nil : tls
    }

    /// A relative path begins where the configuration file is.
    func beside(_ path: String) -> String {
        guard !path.hasPrefix("/"), let end = file.lastIndex(of: "/") else { return path }
        return file[...end] + path
    }

    func addresses(
        _ key: String, default standard: [AddressRange], _ section: ConfigurationSection
    ) -> [AddressRange] {
        guard let list = section.list(key) else { return standard }
        return list.enumerated().compactMap { index, tree in
            let path = "\(section.path(of: key))[\(index)]"
            guard let text = text(tree, path) else { return nil }
            if let range = AddressRange(text) { return range }
            problem(
                tree.mark, "\(path) must be an address such as '192.0.2.1' or '2001:db8::/32', not '\(text)'",
                text.contains("/") ? "the bits after the '/length' have to be zero" : nil)
            return nil
        }
    }
}
