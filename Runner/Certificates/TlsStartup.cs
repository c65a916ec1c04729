using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;

namespace Runner.Certificates;

/// <summary>Readies the process for TLS: no system authority is ever loaded, and a missing HOME does not matter.</summary>
static partial class TlsStartup
{
    /// <summary>
    /// Called once, before the first use of TLS and while there is one thread. Takes about a millisecond, and
    /// saves the 60 that loading every system authority costs. The environment is afterwards as it was, so that nothing started from here inherits this.
    /// </summary>
    public static void Prepare()
    {
        // The platform looks for its certificate stores in the home folder and throws without one (a chroot, a bare unit).
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("HOME"))) Environment.SetEnvironmentVariable("HOME", "/");

        var names = (string[])["SSL_CERT_DIR", "SSL_CERT_FILE"];
        var before = names.Select(Environment.GetEnvironmentVariable).ToArray();
        // Native: the managed environment is a copy that OpenSSL's side does not see.
        foreach (var name in names) _ = SetEnv(name, "", overwrite: 1);
        try
        {
            using var store = new X509Store(StoreName.Root, StoreLocation.LocalMachine);
            store.Open(OpenFlags.ReadOnly);
            // Read once, the store keeps the folders it was read from.
            _ = store.Certificates.Count;
        }
        finally
        {
            for (var i = 0; i < names.Length; i++)
                _ = before[i] is { } value ? SetEnv(names[i], value, overwrite: 1) : UnsetEnv(names[i]);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnv(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnsetEnv(string name);
}
