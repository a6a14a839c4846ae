import DoorbellTesting
import Foundation

/// The servers that Debian packages, set up to do the same as the others: one process, `/all` for everybody, `/c/NUMBER` for
/// one.
enum FanOutPeers {
    static let nginx = "/usr/sbin/nginx"
    static let nchanModule = "/usr/lib/nginx/modules/ngx_nchan_module.so"
    static let node = "/usr/bin/node"
    static let nodeModules = "/usr/share/nodejs"

    /// A temporary folder.
    static func makeFolder() throws -> String {
        let folder = NSTemporaryDirectory() + "doorbell-bench-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    static func startNode(in folder: String) throws -> FanOutChild {
        let script = folder + "/server.js"
        try nodeScript.write(toFile: script, atomically: false, encoding: .utf8)
        return try FanOutChild(node, [script], core: FanOut.serverCore, environment: ["NODE_PATH": nodeModules])
    }

    static func startNginx(in folder: String) throws -> FanOutChild {
        try startNginx(in: folder, configuration: nginxConfiguration)
    }

    /// - Parameter configuration: For a port of 127.0.0.1.
    static func startNginx(in folder: String, configuration: (Int) -> String) throws -> FanOutChild {
        let port = try freePort()
        let file = folder + "/nginx.conf"
        try configuration(port).write(toFile: file, atomically: false, encoding: .utf8)
        // nginx does not look at its standard input; the shell does it in its place. Its worker is what is measured: nchan does
        // not work without a master process.
        let script = """
            '\(nginx)' -p '\(folder)' -c '\(file)' & server=$!
            for attempt in 1 2 3 4 5 6 7 8 9 10; do
                sleep 0.1; worker=$(cat /proc/$server/task/$server/children); [ -n "$worker" ] && break
            done
            echo \(port) $worker; cat > /dev/null; kill $server; wait $server
            """
        let child = try FanOutChild("/bin/sh", ["-c", script], core: FanOut.serverCore)
        try waitForListener(port)
        return child
    }

    private static func waitForListener(_ port: Int) throws {
        for _ in 0..<200 {
            let isListening = try withSocket { file in
                var address = loopback(port: port)
                return withUnsafeMutablePointer(to: &address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                    }
                }
            }
            if isListening { return }
            Moment.wait(until: Moment.now + 20_000_000)
        }
        throw BenchFailure("nginx does not listen")
    }

    private static func withSocket<Result>(_ body: (Int32) throws -> Result) throws -> Result {
        #if canImport(Glibc)
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
        let file = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        guard file >= 0 else { throw BenchFailure("there is no socket") }
        defer { close(file) }
        return try body(file)
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return address
    }

    private static func nginxConfiguration(_ port: Int) -> String {
        """
        load_module \(nchanModule);
        daemon off;
        worker_processes 1;
        worker_rlimit_nofile 20000;
        pid nginx.pid;
        error_log stderr crit;
        events { worker_connections 19900; multi_accept on; }
        http {
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            keepalive_requests 100000000;
            keepalive_timeout 300s;
            nchan_shared_memory_size 256M;
            nchan_message_buffer_length 1000;
            server {
                listen 127.0.0.1:\(port) backlog=16384;
                location = /all {
                    nchan_subscriber websocket;
                    nchan_channel_id all;
                    nchan_subscriber_first_message newest;
                }
                location = /publish { nchan_publisher http; nchan_channel_id all; }
            }
        }
        """
    }

    private static let nodeScript = """
        const { WebSocketServer } = require('ws');
        const http = require('http');
        const everyone = new Set(), owner = new Map();
        const server = http.createServer();
        const sockets = new WebSocketServer({ server, perMessageDeflate: false });
        sockets.on('connection', (socket, request) => {
            const channel = request.url.startsWith('/c/') ? Number(request.url.slice(3)) : -1;
            if (channel < 0) everyone.add(socket); else owner.set(channel, socket);
            socket.on('close', () => { if (channel < 0) everyone.delete(socket); else owner.delete(channel); });
            socket.on('error', () => {});
        });
        server.listen({ port: 0, host: '127.0.0.1', backlog: 16384 }, () => console.log(server.address().port));
        const padding = 'x'.repeat(200);
        const message = () => {
            const start = `{"sent":${process.hrtime.bigint()},"padding":"`;
            return Buffer.from(start + padding.slice(start.length + 2) + '"}');
        };
        const text = { binary: false };
        function one(count, rate) {
            const start = Date.now();
            let sent = 0;
            (function next() {
                if (sent === count) return console.log('done');
                const due = rate > 0 ? start + sent * 1000 / rate : 0;
                if (due > Date.now()) return setTimeout(next, due - Date.now());
                const bytes = message();
                for (const socket of everyone) socket.send(bytes, text);
                sent++;
                setImmediate(next);
            })();
        }
        function many(count, rate, channels) {
            const start = Date.now();
            let sent = 0;
            const timer = setInterval(() => {
                const due = Math.min(count, (Date.now() - start) * rate / 1000);
                for (; sent < due; sent++) {
                    const socket = owner.get(sent % channels);
                    if (socket) socket.send(message(), text);
                }
                if (sent >= count) { clearInterval(timer); console.log('done'); }
            }, 1);
        }
        require('readline').createInterface({ input: process.stdin }).on('line', line => {
            const [command, ...numbers] = line.split(' ');
            (command === 'one' ? one : many)(...numbers.map(Number));
        }).on('close', () => process.exit(0));
        """
}
