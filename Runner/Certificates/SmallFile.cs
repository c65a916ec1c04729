using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Runner.Certificates;

/// <summary>A file read whole as text, if it is small; a pipe is read to its end, and a device without end is given up.</summary>
static partial class SmallFile
{
    public const int Largest = 1 << 20;

    // fcntl.h, the same on x86-64 and arm64.
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int SetFlags = 4;

    /// <exception cref="IOException">It cannot be opened or read; the message is the system's.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a folder.</exception>
    /// <exception cref="CertificateProblem">It is too large.</exception>
    public static (string Text, UnixFileMode Mode) Read(string path)
    {
        using var handle = Open(path);
        using var file = new FileStream(handle, FileAccess.Read, bufferSize: 0);
        var (buffer, filled) = (new byte[16 * 1024], 0);
        while (file.Read(buffer, filled, buffer.Length - filled) is > 0 and var read)
        {
            filled += read;
            if (filled > Largest) throw new CertificateProblem($"{path} is too large for a PEM file (at most {Largest} bytes)");
            if (filled == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
        }
        return (Encoding.Latin1.GetString(buffer, 0, filled), File.GetUnixFileMode(handle));
    }

    private static SafeFileHandle Open(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal)) throw new IOException("a path holds no NUL");
        // Opened plainly, a pipe by name waits for a writer that may never come (fifo(7)); this way it is empty then.
        var descriptor = OpenFile(path, NonBlocking | CloseOnExec);
        if (descriptor < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            throw error is 2 or 20 // ENOENT, ENOTDIR
                ? new FileNotFoundException(null, path)
                : new IOException(new Win32Exception(error).Message);
        }
        _ = ControlFile(descriptor, SetFlags, 0);
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int ControlFile(int descriptor, int command, int value);
}
