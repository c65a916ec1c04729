using System.Text;
using Microsoft.Win32.SafeHandles;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>
/// How jobs went whose end no server has stored yet, in a file of the state directory: it survives the keeper, though not a
/// power cut, for nobody waits for the disk. A place for each, used again once its end is stored. Used by one thread.
/// </summary>
/// <remarks>Whatever the disk refuses is tried again with what comes next, or when somebody asks: the keeper still knows it, and the server tells what is wrong with the disk.</remarks>
sealed class ExitFile(string stateDirectory, string bootId) : IDisposable
{
    // Checksum, the machine's boot id, job, how: a power of two, so that no place lies in two pages.
    private const int PlaceSize = 128;
    private const int MostEmpty = 512; // places
    private const uint OwnerOnly = 0x180; // 0600

    private readonly Dictionary<JobId, int> _places = [];
    private readonly SortedSet<int> _free = [];

    /// <summary>What the file is to say of jobs and does not yet; null: nothing more.</summary>
    private readonly Dictionary<JobId, ReapedProcess?> _due = [];
    private Fd? _file;
    private int _count;

    /// <summary>The id of this boot of the machine: what was written before the last one is not known to be whole.</summary>
    public static string ThisBoot() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>Whether the disk has refused something that is still to be written.</summary>
    public bool IsBehind => _due.Count > 0;

    /// <summary>Makes it, if it is not there; what is in it stays.</summary>
    public void Open() => TryAgain();

    /// <summary>Writes down how a job went, again or for the first time.</summary>
    public void Write(JobId id, ReapedProcess gone)
    {
        _due[id] = gone;
        TryAgain();
    }

    /// <summary>Its end is stored.</summary>
    public void Clear(JobId id)
    {
        // What never came to the file need not go from it, or a disk that takes nothing would let this list grow for ever.
        if (_due.Remove(id, out var refused) && refused is not null && !_places.ContainsKey(id)) return;
        _due[id] = null;
        TryAgain();
    }

    /// <summary>Writes what the disk has refused before.</summary>
    public void TryAgain()
    {
        try
        {
            if (_file is null) Begin();
            if (_file is null) return;
            using var handle = new SafeFileHandle(_file.Number, ownsHandle: false);

            // What frees a place first: it may be the only one there is.
            foreach (var (id, gone) in _due.OrderBy(due => due.Value is not null).ToList())
            {
                if (gone is null) Erase(handle, id);
                else Put(handle, id, gone);
                _due.Remove(id);
            }
        }
        catch (Exception)
        {
            // Whatever it is: a keeper that ended for it would lose what it still knows.
        }
    }

    private void Put(SafeFileHandle file, JobId id, ReapedProcess gone)
    {
        var isNew = !_places.TryGetValue(id, out var place);
        if (isNew) place = _free.Count > 0 ? _free.Min : _count;
        RandomAccess.Write(file, Place(id, gone), (long)place * PlaceSize);
        if (!isNew) return;
        _places.Add(id, place);
        if (!_free.Remove(place)) _count++;
    }

    private void Erase(SafeFileHandle file, JobId id)
    {
        if (!_places.TryGetValue(id, out var place)) return;
        RandomAccess.Write(file, new byte[PlaceSize], (long)place * PlaceSize);
        _places.Remove(id);
        _free.Add(place);
        if (_places.Count > 0 || _count < MostEmpty) return;
        RandomAccess.SetLength(file, 0);
        _free.Clear();
        _count = 0;
    }

    /// <summary>All that is in the file of a state directory; what was written before this boot, or not as a whole, does not count.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static IReadOnlyDictionary<JobId, ReapedProcess> Read(string stateDirectory, string bootId)
    {
        try
        {
            using var file = File.OpenHandle(PathIn(stateDirectory), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return Places(file, bootId).Where(place => place.Left is not null).GroupBy(place => place.Left!.Value.Id).ToDictionary(same => same.Key, same => same.Last().Left!.Value.Gone);
        }
        catch (FileNotFoundException)
        {
            return new Dictionary<JobId, ReapedProcess>();
        }
    }

    /// <summary>Empties that of a state directory, where there is no keeper.</summary>
    public static void Remove(string stateDirectory) => File.Delete(PathIn(stateDirectory));

    public void Dispose() => _file?.Dispose();

    private static string PathIn(string stateDirectory) => Path.Combine(stateDirectory, "exits");

    /// <summary>Only root can have put something in its place: the server sees to it that nobody else may write to the folder.</summary>
    private void Begin()
    {
        // Not blocking: a pipe that was put there would wait for its other end.
        var file = Libc.Open(PathIn(stateDirectory), OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NonBlocking | OpenFlags.CloseOnExec, OwnerOnly);
        if (file.IsInvalid) return;
        try
        {
            using var handle = new SafeFileHandle(file.Number, ownsHandle: false);
            foreach (var (place, left) in Places(handle, bootId))
            {
                _count = place + 1;
                if (left is not { } known || !_places.TryAdd(known.Id, place)) _free.Add(place);
            }
            _file = file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static List<(int Place, (JobId Id, ReapedProcess Gone)? Left)> Places(SafeFileHandle file, string bootId)
    {
        var places = new List<(int, (JobId, ReapedProcess)?)>();
        var bytes = new byte[PlaceSize];
        for (var place = 0; place < RandomAccess.GetLength(file) / PlaceSize && RandomAccess.Read(file, bytes, (long)place * PlaceSize) == PlaceSize; place++) places.Add((place, Left(bytes, bootId)));
        return places;
    }

    private byte[] Place(JobId id, ReapedProcess gone)
    {
        var bytes = new byte[PlaceSize];
        using var to = new BinaryWriter(new MemoryStream(bytes), Encoding.UTF8);
        to.Write(0L);
        to.Write(bootId);
        Messages.Write(to, id);
        Messages.Write(to, gone);
        to.Write(gone.InStop); // 0 in a file of before this
        to.Seek(0, SeekOrigin.Begin);
        to.Write(Checksum(bytes));
        return bytes;
    }

    private static (JobId Id, ReapedProcess Gone)? Left(byte[] place, string bootId)
    {
        using var from = new BinaryReader(new MemoryStream(place), Encoding.UTF8);
        if (from.ReadUInt64() != Checksum(place) || from.ReadString() != bootId) return null;
        return (from.ReadJob(), from.ReadExit() with { InStop = from.ReadBoolean() });
    }

    /// <summary>FNV-1a; never 0 for a place that is empty.</summary>
    private static ulong Checksum(byte[] place)
    {
        var sum = 14695981039346656037UL;
        foreach (var part in place.AsSpan(sizeof(ulong))) sum = (sum ^ part) * 1099511628211UL;
        return sum;
    }
}
