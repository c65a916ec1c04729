using System.Net;
using System.Security.Cryptography;
using System.Text;
using Runner.Jobs;

namespace Runner.Server;

/// <summary>How a server is asked to run.</summary>
/// <param name="Listen">Where; port 0 takes a free one. Looked up by the server alone: names may not be found just when a keeper replaces itself.</param>
/// <param name="Certificate">Null: the set in /etc/runner, made on first start.</param>
/// <param name="Key">Null: in the certificate's file or beside it.</param>
/// <param name="ClientAuthority">Null: client-ca.pem beside the certificate.</param>
/// <param name="StateDirectory">Where records and output are kept.</param>
/// <param name="CgroupName">The subtree that is the server's own, relative to each hierarchy's root. Null: in the cgroup that was delegated to it,
/// else as <see cref="CgroupNameFor"/> says.</param>
/// <param name="StopTimeout">Cuts jobs' grace periods when the server is told to stop.</param>
/// <param name="Keeper">Jobs outlive the server, under a process that is their parent; else they are the server's own.</param>
/// <param name="Watchdog">A server that does not answer its keeper for so long is killed and replaced.</param>
/// <param name="Verbose">Tells every call.</param>
/// <param name="DiskReserve">Bytes kept free on the disk of the state directory; null: the usual.</param>
/// <param name="Retention">What is kept of jobs that have ended; its bytes of output null: half of the disk.</param>
sealed record ServeSettings(
    Lazy<IPEndPoint> Listen, string? Certificate, string? Key, string? ClientAuthority, string StateDirectory, string? CgroupName,
    TimeSpan StopTimeout, bool Keeper, TimeSpan Watchdog, bool Verbose, long? DiskReserve = null, RetentionWish? Retention = null)
{
    public const long Unlimited = long.MaxValue;

    /// <summary>Bytes kept of each stream of a job: at most, and of jobs that ask for nothing. Null: by the size of the disk; <see cref="Unlimited"/>: no end.</summary>
    public long? MaxOutput { get; init; }

    /// <summary>A planned stop leaves the jobs to the keeper and to the next server; else it ends them.</summary>
    public bool Leave { get; init; }

    public const string DefaultStateDirectory = "/var/lib/runner";
    private const string DefaultCgroupName = "runner";

    /// <summary>The subtree when none is named: one for each state directory, so that several servers get along, and always the same
    /// one, so that a server finds what the one before it left.</summary>
    public static string CgroupNameFor(string stateDirectory) => stateDirectory == DefaultStateDirectory
        ? DefaultCgroupName
        : $"{DefaultCgroupName}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(stateDirectory)))[..12]}";
}
