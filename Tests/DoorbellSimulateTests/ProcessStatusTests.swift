import Foundation
import Testing

@testable import DoorbellSimulate

@Suite("What the kernel tells of processes")
struct ProcessStatusTests {
    @Test("memory by kinds")
    func status() {
        let status = ProcessStatus(
            "Name:\tpostgres\nVmRSS:\t    4096 kB\nRssAnon:\t    1024 kB\nRssFile:\t    1024 kB\nRssShmem:\t    2048 kB\n"
        )
        #expect(status.resident == 4)
        #expect(status.ownMemory == 1)
        #expect(status.sharedMemory == 2)
        #expect(ProcessStatus("VmRSS:\nnonsense") == ProcessStatus(""))
    }

    @Test("time of children that have ended, whatever the program's name is")
    func children() {
        let fields = (3...52).map(String.init).joined(separator: " ")
        #expect(ProcessStatus.endedChildrenTicks("1 (a) b) \(fields)\n") == 33.0)
        #expect(ProcessStatus.endedChildrenTicks("1 (a") == nil)
        #expect(ProcessStatus.endedChildrenTicks("1 (a) R 2") == nil)
    }

    #if os(Linux)
    @Test("of a tree that is there: more time and memory than none")
    func tree() {
        let tree = ProcessTree(getpid())
        #expect(tree.processorSeconds > 0)
        #expect(tree.memory > 1)
        #expect(ProcessTree(.max).memory == 0)
    }
    #endif

    @Test("the port in what Doorbell prints")
    func announcement() {
        let line =
            "doorbell: 127.0.0.1:4711 in front of http://127.0.0.1:9, WebSocket at ws://127.0.0.1:4711/_doorbell/ws"
        #expect(SimulationSite.port(inAnnouncement: line[...]) == 4711)
        #expect(SimulationSite.port(inAnnouncement: "note: something"[...]) == nil)
        #expect(SimulationSite.port(inAnnouncement: ""[...]) == nil)
    }
}
