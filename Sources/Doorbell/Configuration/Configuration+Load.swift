import DoorbellCore
import Foundation

extension Configuration {
    /// Bytes; a longer file is not a configuration.
    private static let maximumFileSize = 4 * 1024 * 1024

    /// Reads and checks a configuration file.
    ///
    /// `DOORBELL_DATABASE`, `DOORBELL_LISTEN`, `DOORBELL_ADMIN`, `DOORBELL_ADMIN_TOKEN` and `DOORBELL_UPSTREAM` in `environment` win over
    /// the file.
    /// - Throws: ``ConfigurationError`` with every mistake that there is.
    public static func load(
        file: String, environment: [String: String]
    ) throws(ConfigurationError) -> Configuration {
        func failure(_ message: String, _ suggestion: String? = nil) -> ConfigurationError {
            ConfigurationError(problems: [
                ConfigurationProblem(file: file, line: nil, column: nil, message: message, suggestion: suggestion)
            ])
        }
        let bytes: [UInt8]
        do {
            bytes = try SystemFile.bytes(of: file, limit: maximumFileSize)
        } catch {
            switch error.number {
            case ENOENT: throw failure("there is no such file", "name one with --config FILE")
            case EISDIR: throw failure("this is a directory")
            default: throw failure("the file cannot be read: \(error)")
            }
        }
        guard bytes.count <= maximumFileSize else { throw failure("the file is longer than 4 MiB") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw failure("the file is not UTF-8 text") }
        return try parse(text, file: file, environment: environment)
    }

    /// As ``load(file:environment:)``, from text; `file` is only for the messages.
    public static func parse(
        _ text: String, file: String, environment: [String: String]
    ) throws(ConfigurationError) -> Configuration {
        let reader = ConfigurationReader(file: file, environment: environment)
        let configuration = read(text, with: reader)
        guard reader.problems.isEmpty, var configuration else { throw ConfigurationError(problems: reader.problems) }
        configuration.warnings = ConfigurationError.sorted(reader.warnings)
        return configuration
    }

    /// `nil` only after a problem.
    static func read(_ text: String, with reader: ConfigurationReader) -> Configuration? {
        let tree: YAMLTree?
        do {
            tree = try YAMLTree.parse(text)
        } catch {
            reader.problem(error.mark, error.message)
            return nil
        }
        guard let tree, !tree.isEmpty else {
            reader.problem(nil, "the file is empty", "it needs at least 'database', 'upstream' and 'features'")
            return nil
        }
        return reader.configuration(tree)
    }
}
