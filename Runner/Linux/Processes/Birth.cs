using System.Runtime.InteropServices;

namespace Runner.Linux.Processes;

/// <summary>A process that is being started: its number is here before it runs (CLONE_PARENT_SETTID), while whoever starts it still waits for its exec.</summary>
sealed unsafe class Birth : IDisposable
{
    /// <summary>Where the kernel writes it.</summary>
    public int* Place { get; } = (int*)NativeMemory.AllocZeroed(sizeof(int));

    /// <summary>0: it is not there yet.</summary>
    public int Pid => Volatile.Read(ref *Place);

    public void Dispose() => NativeMemory.Free(Place);
}
