import DoorbellDashboard
import Foundation
import Testing

/// What of the dashboard is in the binary.
@Suite struct DashboardFilesTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../Sources/DoorbellDashboard/Files").standardizedFileURL

    @Test("every file is in the binary, as it is, under its name")
    func whole() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(names) == Set(DashboardFiles.all.keys))
        for (name, file) in DashboardFiles.all {
            #expect(Data(file.bytes) == (try Data(contentsOf: Self.folder.appendingPathComponent(name))))
        }
        #expect(Set(DashboardFiles.all.values.map(\.entityTag)).count == names.count)
    }

    @Test("nothing is fetched from elsewhere, and nothing is written into the page as markup")
    func selfContained() throws {
        for (name, file) in DashboardFiles.all {
            let text = String(decoding: file.bytes, as: UTF8.self)
                .replacing("http://www.w3.org/2000/svg", with: "")
            for word in [
                "http://", "https://", "//cdn", "@import", "innerHTML =", "insertAdjacentHTML", "eval(", " style=\"",
            ] {
                #expect(!text.contains(word), "\(name) has \(word)")
            }
            guard name.hasSuffix(".js") else { continue }
            for line in text.split(separator: "\n") where line.hasPrefix("import ") {
                let module = line.split(separator: "'").dropFirst().first.map { String($0.dropFirst(2)) } ?? ""
                #expect(DashboardFiles.all[module] != nil, "\(name) imports \(module)")
            }
        }
    }
}
